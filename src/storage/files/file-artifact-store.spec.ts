import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { artifactStoreContract } from '../../../test/contracts/artifact-store.contract';
import { HandAlarms } from '../../../test/support/hand-alarms';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import type { ArtifactQuery, CanonicalDocument } from '../../artifacts/artifact-store.port';
import { canonicalDocument } from '../../artifacts/canonical-json';
import { loadConfig } from '../../config/config';
import { Logger } from '../../observability/logger';
import { Narrator } from '../../observability/narrator';
import type { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import { FileArtifactStore } from './file-artifact-store';
import { TranscriptPacks } from './transcript-packs';

const folders: TemporaryFolder[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

const MAX_BYTES = 1024 * 1024;

function folder(): string {
  const made = temporaryFolder();
  folders.push(made);
  return made.path;
}

async function open(
  dataDir: string,
  runningTime = new RunningTime(),
  lines: string[] = [],
  maxBytes = MAX_BYTES,
  clock = new Clock(),
  alarms: Alarms = new HandAlarms(),
): Promise<FileArtifactStore> {
  const { config } = loadConfig({ ORCHD_DATA_DIR: dataDir, ORCHD_ARTIFACTS_MAX_BYTES: String(maxBytes) });
  const narrator = new Narrator(new Logger(config, { write: line => void lines.push(line) }));
  const store = new FileArtifactStore(config, clock, runningTime, narrator, alarms);
  await store.onModuleInit();
  return store;
}

artifactStoreContract('FileArtifactStore', async () => {
  const dataDir = folder();
  let nowMs = 1_700_000_000_000;
  const runningTime = Object.assign(new RunningTime(), { nowMs: () => nowMs });
  return {
    store: await open(dataDir, runningTime),
    maxBytes: MAX_BYTES,
    advance: ms => void (nowMs += ms),
    nowMs: () => nowMs,
    reopen: () => open(dataDir, runningTime),
  };
});

describe('FileArtifactStore', () => {
  it('catches a damaged file when it is read, sets it aside and says so (B-ART-021)', async () => {
    const dataDir = folder();
    const doc = canonicalDocument({ precious: true });
    await (await open(dataDir)).put(doc, 'document');
    const shard = join(dataDir, 'artifacts', doc.id.slice(0, 1));
    const [name = ''] = readdirSync(shard);
    writeFileSync(join(shard, name), '{"precious":false}');
    const lines: string[] = [];
    const store = await open(dataDir, new RunningTime(), lines);
    await expect(store.get(doc.id)).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(lines.join()).toContain('artifact_damaged');
    expect(await store.get(doc.id)).toBeUndefined();
    expect(readdirSync(shard)).toEqual([`${name}.damaged`]);
    await store.put(doc, 'document');
    expect(await store.get(doc.id)).toBe(doc.json);
  });

  it('sweeps what a killed write has left, and passes over what is not its own', async () => {
    const dataDir = folder();
    const shard = join(dataDir, 'artifacts', 'a');
    mkdirSync(shard, { recursive: true });
    writeFileSync(join(shard, '.tmp-half'), '{"half":');
    writeFileSync(join(shard, 'README'), 'somebody else');
    const store = await open(dataDir);
    expect(await store.list({ limit: 10 })).toEqual([]);
    expect(readdirSync(shard)).toEqual(['README']);
  });

  it('keeps a document that a transcript happens to equal', async () => {
    const store = await open(folder());
    const doc = canonicalDocument({ events: [] });
    await store.put(doc, 'transcript', 't1');
    await store.put(doc, 'document');
    await store.put(doc, 'transcript', 't2');
    expect(await store.list({ limit: 10 })).toMatchObject([{ kind: 'document' }]);
    expect(await store.get(doc.id)).toBe(doc.json);
  });

  it('gives out the copy of another task where one is damaged', async () => {
    const dataDir = folder();
    const lines: string[] = [];
    let nowMs = 1_700_000_000_000;
    const store = await open(dataDir, Object.assign(new RunningTime(), { nowMs: () => nowMs++ }), lines);
    const doc = canonicalDocument({ events: [{ type: 'error' }] });
    for (const taskId of ['t1', 't2']) await store.put(doc, 'transcript', taskId);
    const packs = join(dataDir, 'artifacts', 'transcripts');
    const [pack = ''] = readdirSync(packs);
    const text = readFileSync(join(packs, pack), 'utf8');
    const at = text.lastIndexOf(doc.json);
    writeFileSync(join(packs, pack), text.slice(0, at) + text.slice(at).replace('error', 'horse'));
    expect(await store.get(doc.id)).toBe(doc.json);
    expect(lines.join()).toContain('artifact_damaged');
    expect(await store.list({ taskId: 't2', limit: 1 })).toEqual([]);
    writeFileSync(join(packs, pack), text.replaceAll('error', 'horse'));
    await expect(store.get(doc.id)).rejects.toMatchObject({ code: 'INTERNAL', retriable: false });
    expect(await store.get(doc.id)).toBeUndefined();
  });

  it('still knows transcripts that are a file each', async () => {
    const dataDir = folder();
    const doc = canonicalDocument({ events: ['old'] });
    const shard = join(dataDir, 'artifacts', doc.id.slice(0, 1));
    mkdirSync(shard, { recursive: true });
    const bytes = Buffer.byteLength(doc.json);
    writeFileSync(join(shard, `${doc.id},transcript,1700000000000,${bytes},t1.json`), doc.json);
    const store = await open(dataDir);
    expect(await store.get(doc.id)).toBe(doc.json);
    expect(await store.expireTranscripts(1_700_000_000_001, 10)).toBe(1);
    expect(readdirSync(shard)).toEqual([]);
  });

  it('orders and expires by running time, whatever the wall says, also over a restart (B-STO-003, B-STO-004)', async () => {
    const dataDir = folder();
    let wallMs = 1_700_000_000_000;
    const clock = Object.assign(new Clock(), { wallMs: () => wallMs });
    const opened = (): Promise<FileArtifactStore> => open(dataDir, new RunningTime(), [], MAX_BYTES, clock);
    const put: string[] = [];
    let store = await opened();
    for (const offMs of [0, 1e9, -1e9, 5e9, -5e9]) {
      wallMs = 1_700_000_000_000 + offMs;
      if (offMs < -1e9) store = await opened();
      const doc = canonicalDocument({ offMs });
      await store.put(doc, 'transcript', 't');
      put.unshift(doc.id);
      await new Promise(resolve => setTimeout(resolve, 2)); // Not in the same millisecond.
    }
    store = await opened();
    const infos = await store.list({ limit: 10 });
    expect(infos.map(({ id }) => id)).toEqual(put);
    const { storedAtMs } = infos[1] ?? { storedAtMs: 0 };
    expect(await store.expireTranscripts(storedAtMs, 10)).toBe(3);
    expect((await store.list({ limit: 10 })).map(({ id }) => id)).toEqual(put.slice(0, 2));
  });

  it('does not follow a link, nor wait for a FIFO, in the place of a file', async () => {
    const dataDir = folder();
    const store = await open(dataDir);
    const shardOf = (id: string): string => join(dataDir, 'artifacts', id.slice(0, 1));
    const docs = ['link', 'fifo', 'grown'].map(canonicalDocument);
    for (const [n, { id }] of docs.entries()) {
      await store.put(docs[n] as CanonicalDocument, 'document');
      const path = join(shardOf(id), readdirSync(shardOf(id)).find(name => name.startsWith(id)) ?? '');
      if (n === 2) writeFileSync(path, ' '.repeat(1_000_000), { flag: 'a' });
      else rmSync(path);
      if (n === 0) symlinkSync('/etc/hostname', path);
      if (n === 1) execFileSync('mkfifo', [path]);
      await expect(store.get(id)).rejects.toMatchObject({ code: 'INTERNAL', retriable: false });
    }
  });

  it('finds an artifact gone whose file somebody has removed, and takes it again', async () => {
    const dataDir = folder();
    const store = await open(dataDir);
    const doc = canonicalDocument('here');
    await store.put(doc, 'document');
    const shard = join(dataDir, 'artifacts', doc.id.slice(0, 1));
    for (const name of readdirSync(shard)) rmSync(join(shard, name));
    expect(await store.get(doc.id)).toBeUndefined();
    await store.put(doc, 'document');
    expect(await store.get(doc.id)).toBe(doc.json);
  });

  it('says that storage is unavailable when a file cannot be made, and has not got it then', async () => {
    const dataDir = folder();
    const store = await open(dataDir);
    const doc = canonicalDocument('nowhere');
    const shard = join(dataDir, 'artifacts', doc.id.slice(0, 1));
    rmSync(shard, { recursive: true });
    await expect(store.put(doc, 'document')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', status: 503 });
    expect(await store.list({ limit: 10 })).toEqual([]);
    mkdirSync(shard);
    await store.put(doc, 'document');
    expect(await store.get(doc.id)).toBe(doc.json);
  });

  it('reads back a transcript of many megabytes', async () => {
    const store = await open(folder(), new RunningTime(), [], 64 * MAX_BYTES);
    const json = JSON.stringify('ä'.repeat(4_000_000));
    const id = createHash('sha256').update(json).digest('hex');
    await store.put({ id, json }, 'transcript', 't1');
    expect((await store.get(id)) === json).toBe(true);
  });
});

describe('FileArtifactStore, while a transcript is being put', () => {
  const doc = canonicalDocument({ events: ['now'] });
  const other = canonicalDocument({ events: ['too'] });
  const idsOf = async (store: FileArtifactStore, query: Partial<ArtifactQuery> = {}): Promise<string[]> =>
    (await store.list({ limit: 10, ...query })).map(({ id }) => id);

  it.each([true, false])('gives it out, lists it and deletes it (somebody waits for the put: %s)', async isAwaited => {
    const store = await open(folder());
    const putting = (document: CanonicalDocument, taskId: string): Promise<void> =>
      store.put(document, 'transcript', taskId, { isAwaited });
    let put = putting(doc, 't1');
    expect(await store.get(doc.id)).toBe(doc.json);
    await put;
    put = putting(other, 't2');
    expect(await idsOf(store, { taskId: 't2' })).toEqual([other.id]);
    await put;
    expect(await store.delete(doc.id)).toBe(true);
    put = putting(doc, 't1');
    expect(await store.delete(doc.id)).toBe(true);
    expect([await store.get(doc.id), await idsOf(store)]).toEqual([undefined, [other.id]]);
    await put;
  });

  it('gives out what is there without waiting', async () => {
    const alarms = new HandAlarms();
    const store = await open(folder(), new RunningTime(), [], MAX_BYTES, new Clock(), alarms);
    await store.put(doc, 'transcript', 't1');
    const put = store.put(other, 'transcript', 't2', { isAwaited: false });
    expect([await store.get(doc.id), await idsOf(store, { taskId: 't1' })]).toEqual([doc.json, [doc.id]]);
    expect(alarms.delaysMs).toEqual([100]);
    alarms.ring();
    await put;
  });

  it('finds nothing of a put that fails', async () => {
    const dataDir = folder();
    const store = await open(dataDir);
    rmSync(join(dataDir, 'artifacts'), { recursive: true });
    const put = store.put(doc, 'transcript', 't1', { isAwaited: false });
    const failed = expect(put).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect([await store.get(doc.id), await idsOf(store)]).toEqual([undefined, []]);
    await failed;
  });

  it('gives out a copy that is there though another hangs', async () => {
    const store = await open(folder());
    await store.put(doc, 'transcript', 't1');
    const append = vi.spyOn(TranscriptPacks.prototype, 'append').mockReturnValue(new Promise(() => undefined));
    void store.put(doc, 'transcript', 't2');
    expect(await store.get(doc.id)).toBe(doc.json);
    append.mockRestore();
  });

  it('stores what nobody waits for before it stops', async () => {
    const dataDir = folder();
    const store = await open(dataDir);
    const put = store.put(doc, 'transcript', 't1', { isAwaited: false });
    await store.onModuleDestroy();
    await put;
    expect(await (await open(dataDir)).get(doc.id)).toBe(doc.json);
  });

  it('does not gather what others that are alike wait for', async () => {
    const store = await open(folder());
    const alike = ['t1', 't2', 't3'].map(taskId => store.put(doc, 'transcript', taskId, { isAwaited: false }));
    await Promise.all(alike.slice(0, 2));
    expect(await idsOf(store, { taskId: 't3' })).toEqual([doc.id]);
  });

  it('makes room by transcripts that are gathered too', async () => {
    const store = await open(folder());
    const big = (bytes: number): CanonicalDocument => canonicalDocument('x'.repeat(bytes));
    await store.put(big(MAX_BYTES - 100_000), 'document');
    const gathered = store.put(big(40_000), 'transcript', 't', { isAwaited: false });
    await store.put(big(60_000), 'document');
    await gathered;
    expect([await store.get(big(60_000).id), await store.get(big(40_000).id)]).toEqual([big(60_000).json, undefined]);
  });
});

describe('FileArtifactStore, when its folder is taken away', () => {
  const unavailable = { code: 'STORAGE_UNAVAILABLE', status: 503 };
  const takings: readonly (readonly [string, (root: string) => void])[] = [
    ['deleted', root => rmSync(root, { recursive: true })],
    ['moved away', root => renameSync(root, `${root}-away`)],
    [
      'replaced by a copy',
      root => {
        renameSync(root, `${root}-away`);
        cpSync(`${root}-away`, root, { recursive: true });
      },
    ],
  ];

  it.each(takings)('%s, acknowledges nothing more, and says so once (B-STO-002)', async (_, take) => {
    const lines: string[] = [];
    const dataDir = folder();
    const store = await open(dataDir, new RunningTime(), lines);
    await store.put(canonicalDocument({ n: 0 }), 'document');
    await store.put(canonicalDocument({ t: 0 }), 'transcript', 'task-0');
    take(join(dataDir, 'artifacts'));
    for (let n = 1; n < 4; n++) {
      await expect(store.put(canonicalDocument({ n }), 'document')).rejects.toMatchObject(unavailable);
      const transcript = store.put(canonicalDocument({ t: n }), 'transcript', `task-${n}`);
      await expect(transcript).rejects.toMatchObject(unavailable);
    }
    expect(lines.map(line => (JSON.parse(line) as { event: string }).event)).toEqual(['files_unwritable']);
  });

  it('does not take what it had for what it has (B-STO-002)', async () => {
    const dataDir = folder();
    const store = await open(dataDir);
    const [doc, transcript] = [canonicalDocument({ n: 0 }), canonicalDocument({ t: 0 })];
    await store.put(doc, 'document');
    await store.put(transcript, 'transcript', 'task-0');
    rmSync(join(dataDir, 'artifacts'), { recursive: true });
    await expect(store.put(doc, 'document')).rejects.toMatchObject(unavailable);
    await expect(store.put(transcript, 'transcript', 'task-0')).rejects.toMatchObject(unavailable);
    expect(await store.get(doc.id)).toBeUndefined();
  });

  it('writes a document again whose file alone was deleted', async () => {
    const dataDir = folder();
    const store = await open(dataDir);
    const doc = canonicalDocument({ n: 0 });
    await store.put(doc, 'document');
    for (const name of readdirSync(join(dataDir, 'artifacts', doc.id.slice(0, 1)))) {
      rmSync(join(dataDir, 'artifacts', doc.id.slice(0, 1), name));
    }
    await store.put(doc, 'document');
    expect(await store.get(doc.id)).toBe(doc.json);
    expect(await (await open(dataDir)).get(doc.id)).toBe(doc.json);
  });

  it('goes on when it is put back (B-STO-002)', async () => {
    const dataDir = folder();
    const store = await open(dataDir);
    const root = join(dataDir, 'artifacts');
    await store.put(canonicalDocument({ t: 0 }), 'transcript', 'task-0');
    renameSync(root, `${root}-away`);
    const [doc, transcript] = [canonicalDocument({ n: 1 }), canonicalDocument({ t: 1 })];
    await expect(store.put(doc, 'document')).rejects.toMatchObject(unavailable);
    await expect(store.put(transcript, 'transcript', 'task-1')).rejects.toMatchObject(unavailable);
    renameSync(`${root}-away`, root);
    await store.put(doc, 'document');
    await store.put(transcript, 'transcript', 'task-1');
    const again = await open(dataDir);
    expect([await again.get(doc.id), await again.get(transcript.id)]).toEqual([doc.json, transcript.json]);
  });
});
