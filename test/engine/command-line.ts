import { parseArgs } from 'node:util';
import { defaultSettings, servings, wireNames, type EngineSettings } from './engine-options';
import { faultNames, faultTable, parseFault, type FaultSettings } from './faults';

/** What was wrong with the arguments, in words for who typed them. */
export class UsageError extends Error {}

const d = defaultSettings;
const flags = {
  wire: { value: 'NAME', help: `whose API it speaks: ${wireNames.join(', ')} (${d.wire})` },
  host: { value: 'HOST', help: `listen there (${d.host})` },
  port: { value: 'PORT', help: 'listen there; 0 picks a free one and prints it (9090)' },
  serves: { value: 'KIND', help: `what its model is for: ${servings.join(', ')} (${d.serves})` },
  'reasoning-tokens': {
    value: 'N',
    help: `the model thinks that long before it answers a chat (${d.reasoningTokens})`,
  },
  incremental: { help: '--wire sglang: /generate streams pieces, not everything so far' },
  vision: { help: 'the model takes images' },
  'reasoning-field': { value: 'NAME', help: '--wire openai: the member that shows it (it is not shown)' },
  'keep-alive-ms': {
    value: 'MS',
    help: '--wire llamacpp|vllm|tgi: a comment in each such silence of a stream; 0: none (0)',
  },
  'max-requests': { value: 'N', help: 'running and waiting ones; further ones are refused; 0: no bound (0)' },
  slots: { value: 'N', help: `sequences at the same time, 1 to 4096 (${d.slots})` },
  'tokens-per-second': { value: 'N', help: `of each sequence; 0: as fast as it is read (${d.tokensPerSecond})` },
  'prefill-ms': { value: 'MS', help: `before the first token (${d.prefillMs})` },
  'notice-ms': {
    value: 'MS',
    help: `a client that went in prefill is missed after that long of silence; llama.cpp: 1000 (${d.noticeMs})`,
  },
  'sleep-idle-ms': { value: 'MS', help: `out of memory after that long without work; 0: never (${d.sleepIdleMs})` },
  ctx: { value: 'TOKENS', help: `context of a slot (${d.ctxTokens})` },
  model: { value: 'NAME', help: `the model's name (${d.model})` },
  alias: { value: 'A,B', help: 'further names of it' },
  'model-path': { value: 'PATH', help: 'the path of its file (its name)' },
  'load-ms': {
    value: 'MS',
    help: `health says "loading" that long; with --router: what a model takes to load (${d.loadMs})`,
  },
  router: { help: 'router mode: many models, loaded on demand' },
  models: { value: 'A,B', help: 'the models of router mode (tiny-a,tiny-b), or of Ollama (its model)' },
  old: { help: '--wire ollama: as versions before August 2026 worded it' },
  broken: { value: 'A,B', help: 'those of them that cannot be loaded' },
  'api-key': { value: 'KEY', help: 'every route but the health wants it as a bearer token' },
  'slot-save-path': { value: 'DIR', help: 'allow slots to be erased (nothing is ever saved)' },
  handoff: { value: 'DIR', help: 'announce the engine there in a handoff file' },
  pool: { value: 'ID', help: 'the pool it is announced in (default)' },
  replica: { value: 'ID', help: 'the replica id it is announced as (r0)' },
  fault: { value: 'NAME[=N]', help: 'misbehave; may be given several times' },
  help: { help: 'this text' },
} as const satisfies Record<string, { readonly value?: string; readonly help: string }>;

type Flag = keyof typeof flags;

/** The settings that the arguments ask for, or undefined where they ask for help. Throws {@link UsageError}. */
export function settingsFrom(args: readonly string[]): Partial<EngineSettings> | undefined {
  const given = parsed(args);
  if (given.help) return undefined;
  const whole = (flag: Flag, most: number, fallback: number, least = 0) => {
    const text = given[flag];
    if (text === undefined) return fallback;
    const value = /^\d{1,9}$/.test(String(text)) ? Number(text) : NaN;
    if (!(value >= least && value <= most))
      throw new UsageError(`--${flag} takes a whole number from ${least} to ${most}`);
    return value;
  };
  const text = (flag: Flag, fallback: string) => (typeof given[flag] === 'string' ? given[flag] : fallback);
  const id = (flag: Flag, fallback: string) => {
    const value = text(flag, fallback);
    if (!/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/.test(value))
      throw new UsageError(`--${flag} takes letters, digits and . _ : -`);
    return value;
  };
  const names = (flag: Flag, fallback: string) => text(flag, fallback).split(',').filter(Boolean);
  const models = names('models', 'tiny-a,tiny-b');
  if (models.length === 0) throw new UsageError('--models takes one or more names, with commas between');
  const wire = wireNames.find(name => name === text('wire', d.wire));
  if (!wire) throw new UsageError(`--wire takes one of ${wireNames.join(', ')}`);
  const serves = servings.find(kind => kind === text('serves', d.serves));
  if (!serves) throw new UsageError(`--serves takes one of ${servings.join(', ')}`);
  return {
    wire,
    serves,
    reasoningTokens: whole('reasoning-tokens', 1_000_000, d.reasoningTokens),
    ...(typeof given['reasoning-field'] === 'string' && { reasoningField: given['reasoning-field'] }),
    old: given.old === true,
    vision: given.vision === true,
    incremental: given.incremental === true,
    keepAliveMs: whole('keep-alive-ms', 86_400_000, d.keepAliveMs),
    maxRequests: whole('max-requests', 1_000_000, d.maxRequests),
    host: text('host', d.host),
    port: whole('port', 65_535, 9090),
    slots: whole('slots', 4096, d.slots, 1),
    tokensPerSecond: whole('tokens-per-second', 1_000_000, d.tokensPerSecond),
    prefillMs: whole('prefill-ms', 86_400_000, d.prefillMs),
    noticeMs: whole('notice-ms', 86_400_000, d.noticeMs),
    sleepIdleMs: whole('sleep-idle-ms', 86_400_000, d.sleepIdleMs),
    ctxTokens: whole('ctx', 100_000_000, d.ctxTokens, 1),
    model: text('model', d.model),
    aliases: names('alias', ''),
    ...(typeof given['model-path'] === 'string' && { modelPath: given['model-path'] }),
    loadMs: whole('load-ms', 86_400_000, d.loadMs),
    routerModels: given.router || (['ollama', 'triton'].includes(wire) && given.models) ? models : [],
    brokenModels: names('broken', ''),
    ...(typeof given['api-key'] === 'string' && { apiKey: given['api-key'] }),
    slotActions: given['slot-save-path'] !== undefined,
    faults: faultsFrom(Array.isArray(given.fault) ? given.fault : []),
    ...(typeof given.handoff === 'string' && {
      handoff: { dir: given.handoff, poolId: id('pool', 'default'), replicaId: id('replica', 'r0') },
    }),
  };
}

export function usage(): string {
  const line = (name: string, help: string) => `  ${name.padEnd(26)} ${help}`;
  const options = Object.entries(flags).map(([name, flag]) =>
    line(`--${name}${'value' in flag ? ` ${flag.value}` : ''}`, flag.help),
  );
  const faults = faultNames.map(name => {
    const { unit, fallback, help } = faultTable[name];
    const number = { tokens: 'N', times: 'TIMES', bytes: 'BYTES', ms: 'MS' }[unit];
    return line(fallback === undefined ? `${name}=${number}` : `${name}[=${number}]`, help);
  });
  return [
    'A stand-in for an engine: the API that --wire names over HTTP, tokens drawn from a list of words.',
    'Which routes each has: docs/engines.md, "Without a GPU".',
    '',
    'Options (default):',
    ...options,
    '',
    'Faults, on the routes that generate, each in the words of the engine:',
    ...faults,
    '',
    'While it runs: GET /__stats, GET /__control,',
    'POST /__control {"faults": {"kill-after": 20}, "loading": false, "tokensPerSecond": 40, "prefillMs": 0, "brokenModels": []}',
    '',
  ].join('\n');
}

function parsed(args: readonly string[]): Readonly<Partial<Record<Flag, string | boolean | (string | boolean)[]>>> {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      name,
      { type: 'value' in flag ? ('string' as const) : ('boolean' as const), multiple: name === 'fault' },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function faultsFrom(texts: readonly (string | boolean)[]): FaultSettings {
  try {
    return Object.assign({}, ...texts.map(text => parseFault(String(text)))) as FaultSettings;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
