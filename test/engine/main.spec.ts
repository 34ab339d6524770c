import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startEngineProcess, type EngineProcess } from '../support/engine-process';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';
import { settingsFrom, usage, UsageError } from './command-line';
import { CompletionClient } from './completion-client';
import { faultNames } from './faults';

let engine: EngineProcess | undefined;
let folder: TemporaryFolder | undefined;

afterEach(async () => {
  await engine?.stop('SIGKILL');
  folder?.remove();
  engine = folder = undefined;
});

describe('the engine command', () => {
  it('announces itself in a handoff file, serves, and takes the file away when it ends', async () => {
    folder = temporaryFolder();
    const dir = join(folder.path, 'engines');
    engine = await startEngineProcess(['--handoff', dir, '--pool', 'gpu-0', '--replica', 'r1', '--slots', '2']);
    expect(readdirSync(dir)).toEqual(['gpu-0-r1.json']);
    expect(JSON.parse(readFileSync(join(dir, 'gpu-0-r1.json'), 'utf8'))).toEqual({
      url: engine.url,
      pool_id: 'gpu-0',
      replica_id: 'r1',
      engine: 'llamacpp',
      engine_version: 'b1-de3ff81',
      device_mask: 'cpu',
      slots_total: 2,
      slots_free: 2,
    });
    expect((await fetch(`${engine.url}/health`)).status).toBe(200);
    expect(await engine.stop()).toEqual({ code: 0, signal: null });
    expect(readdirSync(dir)).toEqual([]);
  });

  it('dies as a crash would where a fault says so: the handoff file stays', async () => {
    folder = temporaryFolder();
    engine = await startEngineProcess([
      '--handoff',
      folder.path,
      '--fault',
      'exit-after=3',
      '--tokens-per-second',
      '0',
    ]);
    const client = new CompletionClient(engine.url, { n_predict: 10 });
    expect(await client.ended).not.toBe('complete');
    expect(client.frames).toHaveLength(3);
    expect(await engine.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(existsSync(join(folder.path, 'default-r0.json'))).toBe(true);
  });

  it('can be stopped and continued, and does not make up for lost time', async () => {
    engine = await startEngineProcess(['--tokens-per-second', '20', '--slots', '1']);
    const client = new CompletionClient(engine.url, { n_predict: 1000 });
    await engine.until(({ tokens }) => tokens >= 2);
    const { tokens: before } = await engine.stats();
    engine.signal('SIGSTOP');
    await new Promise(resolve => setTimeout(resolve, 3000));
    engine.signal('SIGCONT');
    // Made up for, they would be 60; the rest is for how long it takes to ask.
    expect((await engine.stats()).tokens).toBeLessThan(before + 40);
    client.leave();
    await engine.until(({ aborted, active }) => aborted === 1 && active === 0);
  });

  it('says what is wrong with its arguments', async () => {
    await expect(startEngineProcess(['--slots', '0'])).rejects.toThrow('--slots takes a whole number from 1 to 4096');
  });
});

describe('the command line', () => {
  it('reads every option', () => {
    const text =
      '--wire vllm --serves embeddings --reasoning-tokens 3 --reasoning-field reasoning --max-requests 9 --keep-alive-ms 15 --old --vision --incremental --port 0 --slots 8 --tokens-per-second 100 --prefill-ms 50 --notice-ms 1000 --sleep-idle-ms 9 --ctx 8192 --model big --load-ms 10 --router ' +
      '--models a,b --broken b --alias big-1,big-2 --model-path /m/big.gguf --api-key k --slot-save-path /tmp --handoff dir --pool p --replica r --fault kill-after=20 --fault html --host ::1';
    expect(settingsFrom(text.split(' '))).toEqual({
      wire: 'vllm',
      serves: 'embeddings',
      reasoningTokens: 3,
      reasoningField: 'reasoning',
      maxRequests: 9,
      keepAliveMs: 15,
      old: true,
      vision: true,
      incremental: true,
      host: '::1',
      port: 0,
      slots: 8,
      tokensPerSecond: 100,
      prefillMs: 50,
      noticeMs: 1000,
      sleepIdleMs: 9,
      ctxTokens: 8192,
      model: 'big',
      aliases: ['big-1', 'big-2'],
      modelPath: '/m/big.gguf',
      loadMs: 10,
      routerModels: ['a', 'b'],
      brokenModels: ['b'],
      apiKey: 'k',
      slotActions: true,
      faults: { 'kill-after': 20, html: Infinity },
      handoff: { dir: 'dir', poolId: 'p', replicaId: 'r' },
    });
  });

  it.each([
    '--port 70000',
    '--ctx x',
    '--fault fire',
    '--pool ../x --handoff d',
    '--wire gopher',
    '--serves tea',
    '--what',
    'stray',
    '--models , --router',
  ])('refuses %s', text => {
    expect(() => settingsFrom(text.split(' '))).toThrow(UsageError);
  });

  it('explains itself', () => {
    expect(settingsFrom(['--help'])).toBeUndefined();
    for (const name of ['--tokens-per-second', ...faultNames]) expect(usage()).toContain(name);
  });
});
