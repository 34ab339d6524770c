import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually, LAST_RESORT_MS } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk';
import { TaskClient, tokenIndexes, upTo, wireOf } from '../support/task-client';

/* The disk under the data folder fills up while the service works, and gets room again. */

const DISK_MIB = 32;
const STREAMS = 8;
const TOKENS = 200;

let disk: SmallDisk | undefined;
let engine: RunningEngine;
let service: RunningService;
let tasks: TaskClient;

async function start(dataDir: string): Promise<void> {
  service = await startService({
    env: {
      ORCHD_DATA_DIR: dataDir,
      ORCHD_LLAMACPP_URL: engine.url,
      ORCHD_FALLBACK: 'wait',
      ORCHD_ADMISSION_CAPACITY: '1000',
      ORCHD_PROBE_INTERVAL_MS: '100',
    },
  });
  tasks = new TaskClient(service);
  await tasks.slotsFree(STREAMS);
}

beforeEach(() => {
  disk = mountSmallDisk(DISK_MIB);
});

afterEach(async () => {
  if (!disk) return;
  await service.stop('SIGKILL');
  await engine.stop();
  disk.unmount();
});

describe('a full disk', () => {
  it(
    'refuses what it cannot keep, carries on with what it has, and recovers by itself',
    { timeout: 120_000 },
    async context => {
      if (!disk) return context.skip();
      const { path, fill, free } = disk;
      engine = await startEngine({ slots: STREAMS, tokensPerSecond: 40, ctxTokens: 1_000_000 });
      await start(join(path, 'data'));
      const running = await Promise.all(
        upTo(STREAMS).map(() => tasks.submit({ session_id: 'ada', max_tokens: TOKENS })),
      );
      const readings = Promise.all(running.map(taskId => tasks.read(taskId, { deadlineMs: 2 * LAST_RESORT_MS })));
      await engine.until(({ tokens }) => tokens > STREAMS * 10);

      // What ends gives its room to what comes: nothing does before the disk is found full, however slow the machine is.
      engine.control({ tokensPerSecond: 1 });
      fill();
      const admitted: string[] = [];
      const refused = await eventually(
        async () => {
          // Room that had been taken before is used up first.
          const answer = await tasks.post({ prompt: 'x'.repeat(100_000), max_tokens: 2, deadline_ms: 600_000 });
          if (answer.status === 202) admitted.push(String(answer.json()['task_id']));
          return answer;
        },
        ({ status }) => status !== 202,
      );
      expect([refused.status, refused.json()]).toMatchObject([503, { code: 'STORAGE_UNAVAILABLE', retriable: true }]);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      const document = await service.request('POST', '/v2/artifacts', { body: { text: 'x'.repeat(500_000) } });
      expect([503, 507], document.text).toContain(document.status);
      expect((await service.request('GET', '/readyz')).status).toBe(200);

      engine.control({ tokensPerSecond: 40 });
      for (const { events } of await readings) {
        expect(events.at(-1)?.type).toBe('end');
        expect(tokenIndexes(events)).toEqual(upTo(TOKENS));
      }
      for (const taskId of admitted) expect((await tasks.read(taskId)).events.at(-1)?.text).toContain('"tokens_out":2');

      free();
      const freedMs = performance.now();
      const again = await eventually(
        () => tasks.post({ task_id: 'again', max_tokens: 3 }),
        ({ status }) => status !== 503,
      );
      expect(again.status).toBe(202);
      const backMs = performance.now() - freedMs;
      await tasks.read('again');
      const stored = await service.request('POST', '/v2/artifacts', { body: { text: 'y'.repeat(500_000) } });
      expect(stored.status, stored.text).toBe(201);
      process.stdout.write(
        `full disk: ${admitted.length} admitted in reserved room, ${STREAMS} streams whole, admissions again ${backMs.toFixed(0)} ms after there was room\n`,
      );

      // Transcripts for which there was no room are stored now that there is.
      for (const taskId of [...running, ...admitted]) {
        const view = () => tasks.view(taskId);
        await eventually(view, task => task['transcript_artifact_id'] !== undefined);
      }

      // Nothing that was acknowledged is lost: not an admission, not an ending.
      const all = [...running, ...admitted, 'again'];
      const before = await Promise.all(all.map(taskId => tasks.view(taskId)));
      await service.stop('SIGKILL');
      await start(join(path, 'data'));
      expect(await Promise.all(all.map(taskId => tasks.view(taskId)))).toEqual(before);
      for (const taskId of running) {
        expect(tokenIndexes((await tasks.read(taskId)).events)).toEqual(upTo(TOKENS));
      }
      const { events } = await tasks.read('again');
      expect(wireOf(events).at(-1)).toMatch(/ end /);
    },
  );
});
