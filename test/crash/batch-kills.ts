import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startEngine, type RunningEngine } from '../engine/engine';
import { BatchClient, chatLine, type BatchSeen } from '../support/batch-client';
import { startService, type RunningService } from '../support/service';
import { temporaryFolder } from '../support/temporary-folder';
import { BackgroundResponses, type ResponsesOutcome } from './background-responses';
import { Random } from './random';

export interface BatchKillsPlan {
  readonly lines: number;
  readonly kills: number;
  readonly seed: number;
  /** Responses in the background that are kept going beside the batch. */
  readonly responses: number;
  /** SIGTERM, with a grace that is too short for some, in place of SIGKILL. */
  readonly gently?: boolean;
}

/** What a batch came to whose service was killed over and over. */
export interface BatchKillsOutcome {
  readonly batch: BatchSeen;
  readonly kills: number;
  /** Lines in both files together, and how many different ones. */
  readonly results: number;
  readonly different: number;
  readonly completed: number;
  readonly failed: number;
  /** Codes of the errors. */
  readonly codes: Readonly<Record<string, number>>;
  /** Requests that the engine has had for lines, beyond one for each: what was under way at a kill, and nobody had seen. */
  readonly runsMore: number;
  /** Lines whose result was in a file at a kill, and that the engine was asked for again. */
  readonly ranAgain: number;
  readonly responses: ResponsesOutcome;
}

/** Of three kills one comes so long after the start at most: what that takes up has perhaps not begun. */
const EARLY_MS = 100;
/** The others come when the engine has said so many tokens for each line, at most, over all lives: before the lines are through, however slow it all is. */
const TOKENS_OF_LINE = 12;
const FINISH_MS = 240_000;
/** Graces, one for each start; some are over before what runs has ended. */
const GRACES_MS = [0, 150, 1000] as const;

/** Kills the service at random moments in a batch, starts it again on the same folder, and tells what there is in the end. */
export async function killInBatch(plan: BatchKillsPlan): Promise<BatchKillsOutcome> {
  const { lines, kills, seed, gently = false } = plan;
  const random = new Random(seed);
  const folder = temporaryFolder();
  const dataDir = join(folder.path, 'data');
  const engine = await startEngine({
    ...{ wire: 'vllm', model: 'some-model', slots: 12, tokensPerSecond: 100, requestsKept: 1_000_000 },
  });
  const background = new BackgroundResponses(engine, random, plan.responses);
  const start = async (): Promise<RunningService> => {
    const started = await startService({
      env: {
        ORCHD_DATA_DIR: dataDir,
        ORCHD_ENGINE_URLS: `vllm=${engine.url}`,
        ORCHD_ENGINE_SLOTS: '12',
        ORCHD_PROBE_INTERVAL_MS: '100',
        ORCHD_SHUTDOWN_GRACE_MS: String(random.pick(GRACES_MS)),
      },
    });
    background.use(started);
    return started;
  };
  const runsWhenWritten = new Map<string, number>();
  let service = await start();
  let client = new BatchClient(service.url);
  let killed = 0;
  try {
    const wanted = Array.from({ length: lines }, (_, at) => chatLine(`line-${at + 1}`, { max_tokens: 1 + (at % 24) }));
    const { id } = await client.begin(wanted);
    await background.topUp();
    while (killed < kills) {
      const topUp = background.topUp();
      const isOver = await Promise.race([
        lived(engine, random, (lines * TOKENS_OF_LINE) / kills).then(() => false),
        client.untilEnded(id, FINISH_MS).then(() => true),
      ]);
      if (isOver) break;
      await service.stop(gently ? 'SIGTERM' : 'SIGKILL');
      killed++;
      await topUp;
      await background.killed();
      const runs = runsOfLines(engine);
      for (const name of written(dataDir))
        if (!runsWhenWritten.has(name)) runsWhenWritten.set(name, runs.get(name) ?? 0);
      service = await start();
      client = new BatchClient(service.url);
    }
    const batch = await client.untilEnded(id, FINISH_MS);
    const [output, errors] = [await client.results(batch.output_file_id), await client.results(batch.error_file_id)];
    const codes: Record<string, number> = {};
    for (const { response, error } of errors) {
      const code = error?.code ?? (response?.body['error'] as { code: string }).code;
      codes[code] = (codes[code] ?? 0) + 1;
    }
    const responses = await background.judged();
    const runs = runsOfLines(engine);
    return {
      batch,
      kills: killed,
      results: output.length + errors.length,
      different: new Set([...output, ...errors].map(({ custom_id: customId }) => customId)).size,
      completed: output.length,
      failed: errors.length,
      codes,
      runsMore: [...runs.values()].reduce((sum, each) => sum + each, 0) - lines,
      ranAgain: [...runsWhenWritten].filter(([name, before]) => (runs.get(name) ?? 0) > before).length,
      responses,
    };
  } finally {
    await service.stop('SIGKILL');
    await engine.stop();
    folder.remove();
  }
}

/** Resolves at a random moment: some tokens, or for some a little time, from now. */
async function lived(engine: RunningEngine, random: Random, tokensAtMost: number): Promise<void> {
  if (random.below(3) === 0) return pause(random.below(EARLY_MS));
  const enough = engine.stats().tokens + random.below(Math.ceil(tokensAtMost));
  await engine.until(({ tokens }) => tokens >= enough);
}

/** Names of lines whose results are in a file as a whole. */
function written(dataDir: string): string[] {
  const folder = join(dataDir, 'files');
  return readdirSync(folder)
    .flatMap(name => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
    .filter(line => line.startsWith('{"id":"batch_req_'))
    .map(line => (JSON.parse(line) as { custom_id: string }).custom_id);
}

/** By line, how often the engine was asked for it. */
function runsOfLines(engine: RunningEngine): Map<string, number> {
  const runs = new Map<string, number>();
  for (const { body } of engine.stats().requests) {
    const name = /Hello (line-\d+)"/.exec(JSON.stringify(body))?.[1];
    if (name !== undefined) runs.set(name, (runs.get(name) ?? 0) + 1);
  }
  return runs;
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
