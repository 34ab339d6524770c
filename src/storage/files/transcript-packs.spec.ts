import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  constants,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LAST_RESORT_MS } from '../../../test/support/deadline';
import { HandAlarms } from '../../../test/support/hand-alarms';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import type { ArtifactInfo, CanonicalDocument } from '../../artifacts/artifact-store.port';
import { canonicalDocument } from '../../artifacts/canonical-json';
import { StoredName } from './artifact-name';
import { TranscriptPacks } from './transcript-packs';

const PACK_BYTES = 4096;
let folder: TemporaryFolder;
let alarms: HandAlarms;
beforeEach(() => {
  folder = temporaryFolder();
  alarms = new HandAlarms();
});
afterEach(() => folder.remove());

const at = (name: string): string => join(folder.path, name);
const files = (): string[] => readdirSync(folder.path).sort();

/** A transcript of some hundred bytes, no two alike. */
function transcript(task: string, bytes = 300): { info: StoredName; doc: CanonicalDocument } {
  const doc = canonicalDocument({ task, text: randomBytes(bytes / 2).toString('hex'), more: 'ü #\n-' });
  const info = new StoredName({
    id: doc.id,
    kind: 'transcript',
    taskId: task,
    createdAtMs: 1_700_000_000_000,
    storedAtMs: 1_700_000_000_001,
    bytes: Buffer.byteLength(doc.json),
  });
  return { info, doc };
}

const taskOf = ({ info }: { readonly info: ArtifactInfo }): string | undefined => info.taskId;
const said = (info: ArtifactInfo): ArtifactInfo => (info instanceof StoredName ? info.info : info);

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // Closed meanwhile, as that of the listing is.
  }
}

async function opened(): Promise<{ packs: TranscriptPacks; infos: readonly ArtifactInfo[] }> {
  const packs = new TranscriptPacks(folder.path, PACK_BYTES, alarms);
  return { packs, infos: await packs.open() };
}

async function filled(count: number): Promise<{ packs: TranscriptPacks; all: ReturnType<typeof transcript>[] }> {
  const { packs } = await opened();
  const all = Array.from({ length: count }, (_, n) => transcript(`task-${n}`));
  for (const { info, doc } of all) await packs.append(info, doc.json);
  return { packs, all };
}

describe('TranscriptPacks', () => {
  it('gives back what was appended, at once and after every start', async () => {
    const { packs, all } = await filled(30);
    for (const { info, doc } of all) expect((await packs.read(info))?.toString()).toBe(doc.json);
    for (let start = 0; start < 3; start++) {
      const again = await opened();
      expect(again.infos.map(said)).toEqual(all.map(({ info }) => said(info)));
      for (const [n, info] of again.infos.entries()) {
        expect((await again.packs.read(info))?.toString()).toBe(all[n]?.doc.json);
      }
    }
  });

  it('writes to a file of which the kernel makes each write durable before it returns', async () => {
    await filled(1);
    const pack = files().map(at)[0];
    const open = readdirSync('/proc/self/fd').filter(file => linkOf(`/proc/self/fd/${file}`) === pack);
    const flags = open.map(file => /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${file}`, 'utf8'))?.[1]);
    // Another is held to notice that the file was taken away.
    expect(flags.map(octal => parseInt(octal ?? '', 8) & constants.O_DSYNC)).toContain(constants.O_DSYNC);
  });

  it('writes what comes at once together, in the order in which it came', async () => {
    const { packs } = await opened();
    const all = Array.from({ length: 200 }, (_, n) => transcript(`task-${n}`));
    await Promise.all(all.map(({ info, doc }) => packs.append(info, doc.json)));
    expect((await opened()).infos.map(({ taskId }) => taskId)).toEqual(all.map(({ info }) => info.taskId));
  });

  describe('what nobody waits for', () => {
    const bytesOf = (name: string): number => statSync(at(name)).size;
    const ended = (work: Promise<unknown>) => {
      const state = { isOver: false };
      void work.then(() => (state.isOver = true));
      return state;
    };

    it('is written together once its time is over', async () => {
      const { packs } = await filled(1);
      const before = bytesOf('1.pack');
      const all = Array.from({ length: 5 }, (_, n) => transcript(`later-${n}`));
      const appended = all.map(({ info, doc }) => packs.append(info, doc.json, false));
      const { isOver } = ended(Promise.race(appended));
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      expect([isOver, bytesOf('1.pack'), alarms.delaysMs]).toEqual([false, before, [100]]);
      alarms.ring();
      await Promise.all(appended);
      expect((await opened()).infos.map(({ taskId }) => taskId)).toEqual(['task-0', ...all.map(taskOf)]);
    });

    it('goes with the next that somebody waits for', async () => {
      const { packs } = await opened();
      const [gathered, awaited] = [transcript('gathered'), transcript('awaited')];
      const appended = packs.append(gathered.info, gathered.doc.json, false);
      await packs.append(awaited.info, awaited.doc.json);
      await appended;
      expect((await opened()).infos.map(({ taskId }) => taskId)).toEqual(['gathered', 'awaited']);
    });

    it('is gathered also while others are written', async () => {
      const { packs } = await opened();
      const [first, second] = [transcript('first'), transcript('second')];
      const written = packs.append(first.info, first.doc.json);
      await new Promise(setImmediate); // Its write has begun.
      const gathered = ended(packs.append(second.info, second.doc.json, false));
      await written;
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      expect([gathered.isOver, alarms.delaysMs, packs.holds(second.info)]).toEqual([false, [100], false]);
      packs.hurry();
      await expect.poll(() => gathered.isOver, { timeout: LAST_RESORT_MS }).toBe(true);
    });

    it('is written when the service stops', async () => {
      const { packs } = await opened();
      const { info, doc } = transcript('last');
      const appended = packs.append(info, doc.json, false);
      await packs.close();
      await appended;
      expect((await opened()).infos.map(({ taskId }) => taskId)).toEqual(['last']);
    });
  });

  it('removes a pack once nothing in it is wanted, and counts what is dead until then', async () => {
    const { packs, all } = await filled(30);
    const before = files().filter(name => name.endsWith('.pack'));
    expect(before.length).toBeGreaterThan(2);
    expect(packs.deadBytes).toBe(0);
    for (const { info } of all.slice(0, -1)) await packs.drop(info);
    expect(files().filter(name => name.endsWith('.pack'))).toHaveLength(1);
    expect(packs.deadBytes).toBeLessThan(2 * PACK_BYTES);
    const last = all.at(-1)?.info as ArtifactInfo;
    await packs.drop(last);
    expect(files()).toEqual([]);
    expect(packs.deadBytes).toBe(0);
    expect(await packs.read(last)).toBeUndefined();
  });

  it('leaves nothing of what is erased, in a pack that takes more and in one that does not', async () => {
    for (const count of [2, 30]) {
      const { packs, all } = await filled(count);
      const [gone, kept] = all as [(typeof all)[0], (typeof all)[0]];
      await packs.erase(gone.info);
      for (const name of files()) expect(readFileSync(at(name), 'utf8')).not.toContain(gone.doc.json);
      const more = transcript('one-more');
      await packs.append(more.info, more.doc.json);
      const again = await opened();
      expect(again.infos.map(({ taskId }) => taskId)).not.toContain(gone.info.taskId);
      expect((await again.packs.read(again.infos[0] as ArtifactInfo))?.toString()).toBe(kept.doc.json);
      for (const info of again.infos) await again.packs.drop(info);
    }
  });

  it('finds every whole record of a pack that was cut anywhere, and goes on behind it', async () => {
    const { all } = await filled(3);
    const whole = readFileSync(at('1.pack'));
    for (let size = whole.length - 1; size >= 0; size -= 7) {
      for (const name of files()) rmSync(at(name));
      writeFileSync(at('1.pack'), whole);
      truncateSync(at('1.pack'), size);
      const { packs, infos } = await opened();
      expect(infos.map(said)).toEqual(all.slice(0, infos.length).map(({ info }) => said(info)));
      expect(infos.length).toBe(Math.floor((size * 3) / whole.length));
      const next = transcript('next');
      await packs.append(next.info, next.doc.json);
      expect((await opened()).infos.map(said).at(-1)).toEqual(said(next.info));
    }
  });

  it('passes over damage in the middle', async () => {
    const { all } = await filled(5);
    const text = readFileSync(at('1.pack'), 'latin1');
    const second = text.indexOf(`#${all[1]?.info.id ?? ''}`);
    writeFileSync(at('1.pack'), `${text.slice(0, second)}\0\0\0${text.slice(second + 3)}`, 'latin1');
    expect((await opened()).infos.map(({ taskId }) => taskId)).toEqual(['task-0', 'task-2', 'task-3', 'task-4']);
  });

  it('looks through a pack whose list is damaged or missing', async () => {
    const { all } = await filled(30);
    appendFileSync(at('1.list'), '0 nonsense\n');
    rmSync(at('2.list'));
    expect((await opened()).infos.map(said)).toEqual(all.map(({ info }) => said(info)));
  });

  it('refuses what it cannot write, and takes the next where there is a folder again', async () => {
    const { packs } = await filled(1);
    const { packs: other } = await opened();
    rmSync(folder.path, { recursive: true });
    const lost = transcript('lost');
    await expect(other.append(lost.info, lost.doc.json)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(await other.read(lost.info)).toBeUndefined();
    expect(other.holds(lost.info)).toBe(false);
    await other.open();
    const next = transcript('next');
    await other.append(next.info, next.doc.json);
    expect((await other.read(next.info))?.toString()).toBe(next.doc.json);
    expect(packs.deadBytes).toBe(0);
  });
});
