import { once } from 'node:events';
import { closeSync, openAsBlob, openSync, readFileSync, readdirSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { BatchClient, chatLine, type BatchSeen } from '../support/batch-client';
import { eventually } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

/* Files and batches of the built service where the client, the disk or the process fails them. */

const MIB = 1024 * 1024;
const DISK_MIB = 32;
let folder: TemporaryFolder;
let disk: SmallDisk | undefined;
let engine: RunningEngine | undefined;
let service: RunningService | undefined;
let client: BatchClient;
let dataDir = '';

async function start(pace?: { tokensPerSecond: number }): Promise<void> {
  if (pace) engine ??= await startEngine({ wire: 'vllm', model: 'some-model', slots: 4, ...pace });
  service = await startService({
    env: {
      ORCHD_DATA_DIR: dataDir,
      ORCHD_PROBE_INTERVAL_MS: '100',
      ORCHD_SHUTDOWN_GRACE_MS: '0',
      ...(engine && { ORCHD_ENGINE_URLS: `vllm=${engine.url}`, ORCHD_ENGINE_SLOTS: '4' }),
    },
  });
  client = new BatchClient(service.url, service.apiKey);
}

afterEach(async () => {
  await service?.stop('SIGKILL');
  await engine?.stop();
  disk?.unmount();
  folder.remove();
  service = engine = disk = undefined;
});

/** Names below the folder of files. */
const left = (): string[] => readdirSync(join(dataDir, 'files'));

function residentBytes(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

/** Lines in both files, each once, as the counts say. */
async function judged({ output_file_id, error_file_id, request_counts: counts }: BatchSeen): Promise<string[]> {
  const [output, errors] = [await client.results(output_file_id), await client.results(error_file_id)];
  expect(counts).toEqual({ total: output.length + errors.length, completed: output.length, failed: errors.length });
  return [...output, ...errors].map(({ custom_id: id }) => id).sort();
}

const numbered = (count: number, more: object): string[] =>
  Array.from({ length: count }, (_, at) => chatLine(`line-${100 + at}`, more));
const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `line-${100 + at}`);

describe('200 MB in one line (B-BAT-003)', () => {
  it('are taken to disk, refused by the number of the line, and gone with the file; they are never in memory', async () => {
    folder = temporaryFolder();
    dataDir = join(folder.path, 'data');
    await start();
    const path = join(folder.path, 'one-line.jsonl');
    const file = openSync(path, 'w');
    writeSync(file, `${chatLine('good')}\n{"custom_id":"`);
    for (let written = 0; written < 200; written++) writeSync(file, Buffer.alloc(MIB, 'x'));
    closeSync(file);
    const pid = service?.pid ?? 0;
    const idle = residentBytes(pid);
    let most = idle;
    const timer = setInterval(() => (most = Math.max(most, residentBytes(pid))), 20);
    const fileId = await client.upload(await openAsBlob(path));
    const { status, errors } = await client.untilEnded((await client.create(fileId)).id);
    clearInterval(timer);
    expect([status, errors?.data]).toMatchObject(['failed', [{ code: 'line_too_long', line: 2, param: null }]]);
    expect(errors?.data[0]?.message).toContain('1048576 bytes (ORCHD_BATCH_LINE_MAX_BYTES)');
    process.stdout.write(`200 MB in one line: at most ${((most - idle) / MIB).toFixed(0)} MiB above idle\n`);
    expect(most - idle).toBeLessThan(150 * MIB);
    expect(left()).toEqual([fileId]);
    await client.remove(fileId);
    expect(left()).toEqual([]);
  }, 120_000);
});

describe('an upload in whose middle the service is killed (B-FIL-003)', () => {
  it('leaves nothing behind once it has been started again', async () => {
    folder = temporaryFolder();
    dataDir = join(folder.path, 'data');
    await start();
    const { port } = new URL(service?.url ?? '');
    const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(
      'POST /v1/files HTTP/1.1\r\nHost: x\r\nX-API-Key: test-key\r\nContent-Length: 9000000\r\n' +
        'Content-Type: multipart/form-data; boundary=b\r\n\r\n' +
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' +
        'x'.repeat(100_000),
    );
    await eventually(
      () => Promise.resolve(left()),
      found => found.length === 1,
    );
    await service?.stop('SIGKILL');
    socket.destroy();
    expect(left()).toHaveLength(1);
    await start();
    await eventually(
      () => Promise.resolve(left()),
      found => found.length === 0,
    );
  });
});

describe('a disk that fills while a batch writes its output', () => {
  const LINES = 60;

  async function untilFull(): Promise<{ id: string; fileId: string } | undefined> {
    disk = mountSmallDisk(DISK_MIB);
    folder = temporaryFolder();
    if (!disk) return undefined;
    dataDir = join(disk.path, 'data');
    await start({ tokensPerSecond: 400 });
    const fileId = await client.upload(numbered(LINES, { max_tokens: 200 }).join('\n'));
    const { id } = await client.create(fileId);
    // It does not end before its disk is found full, however slow the machine is.
    await engine?.until(({ started }) => started > 8);
    engine?.control({ faults: { 'stall-prefill': Infinity } });
    await client.until(id, ({ request_counts: { completed } }) => completed > 3);
    disk.fill();
    engine?.control({ faults: {} });
    await service?.waitForLog(({ event }) => event === 'batch_not_written');
    expect((await client.get(id)).status).toBe('in_progress');
    return { id, fileId };
  }

  it('keeps it waiting, and it ends with each line once when there is room again (B-BAT-005)', async context => {
    const began = await untilFull();
    if (!began) return context.skip();
    disk?.free();
    const done = await client.untilEnded(began.id, 60_000);
    expect([done.status, await judged(done)]).toEqual(['completed', names(LINES)]);
    expect(left().sort()).toEqual([began.fileId, done.output_file_id, done.error_file_id].filter(Boolean).sort());
  }, 120_000);

  it('and the service is killed: the next start goes on, with each line once (B-BAT-005)', async context => {
    const began = await untilFull();
    if (!began) return context.skip();
    await service?.stop('SIGKILL');
    disk?.free();
    await start();
    const done = await client.untilEnded(began.id, 60_000);
    expect([done.status, await judged(done)]).toEqual(['completed', names(LINES)]);
    expect(left().sort()).toEqual([began.fileId, done.output_file_id, done.error_file_id].filter(Boolean).sort());
  }, 120_000);
});
