import * as fc from 'fast-check';
import { setImmediate as aTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { endingOf, factsOf, placement, plainSpec } from '../../../test/contracts/journal-samples';
import { PendingTranscript } from '../../../test/support/pending-transcript';
import { APPLY_LIMITS } from './file/apply-limits';
import { JournalWriter } from './journal-writer';
import type { CommitLog } from './log/commit-log';
import type { LoggedRecord } from './log/commit-log-records';
import type { KnownIds } from './log/known-ids';
import { decodeBody } from './log/logged-body';
import { acknowledgeable, certainOf } from './opening/replay';
import type { Echo } from './tables/echo';
import type { LedgerRequest, RequestOutcome, WriteRequest } from './tables/protocol';
import { encodeAdmission, encodeEnding, encodePlacement, namesTranscript } from './tables/record-codec';

const admission = (taskId: string, seq: number, prompt = 'p'): WriteRequest => ({
  kind: 'admit',
  task: encodeAdmission(plainSpec(taskId, { prompt }), factsOf(seq)),
});
const mark = (taskId: string): WriteRequest => ({ kind: 'mark', taskId, placement: encodePlacement(placement) });
const note = (text: string): WriteRequest => ({ kind: 'note', name: 'n', text });
function ending(taskId: string): WriteRequest {
  const { transcriptArtifactId, ...rest } = endingOf(taskId);
  expect(transcriptArtifactId).toBeDefined();
  return { kind: 'end', task: encodeEnding(rest) };
}

type Later = <T>(what: string, work: () => T) => Promise<T>;

interface DiskAppend {
  readonly records: readonly LoggedRecord[];
  isWritten: boolean;
  hasFailed: boolean;
  written: Promise<void> | undefined;
  over: Promise<void> | undefined;
}

/** A log and a database as their writers see them; when each step is through, and whether it fails, is for the test to say. */
class Disk {
  /** What was acknowledged by the log. */
  readonly logged: LoggedRecord[] = [];
  private underWay: DiskAppend[] = [];
  /** Appends that were begun beside another, and those of them that were on the disk before that. */
  overlaps = 0;
  overtaken = 0;
  readonly database: { number: number; write: WriteRequest }[] = [];
  syncedUpTo = 0;
  releasedUpTo = 0;
  logFails = false;
  databaseFails = false;
  syncFails = false;
  hasRoom = true;
  logRecords = Infinity;
  mostUnapplied = 0;
  readonly taken = new Set<string>();

  constructor(private readonly later: Later) {}

  readonly log = this.logOn(this);

  readonly echo = { appendSoon: () => undefined, close: () => undefined } as unknown as Echo;

  readonly ids = {
    mayHave: (taskId: string) => this.taken.has(taskId),
    add: (taskId: string) => void this.taken.add(taskId),
  } as unknown as KnownIds;

  readonly call = (request: LedgerRequest): Promise<unknown> =>
    this.later(request.kind, () => {
      if (this.databaseFails) throw new Error('SQLITE_IOERR');
      const last = this.database.at(-1)?.number ?? 0;
      if (request.kind === 'apply') {
        expect(request.first).toBe(last + 1);
        request.writes.forEach((write, at) => this.database.push({ number: last + 1 + at, write }));
        return { hasRoom: this.hasRoom };
      }
      if (request.kind === 'write') {
        const outcomes = request.writes.map((write): RequestOutcome | undefined => {
          const isTaken = write.kind === 'admit' && this.admitted(write.task.taskId);
          if (isTaken) return { failure: { code: 'TASK_CONFLICT', reason: 'taken' } };
          if (write.kind === 'expire') return { value: { count: 0, withEvents: [] } };
          this.database.push({ number: (this.database.at(-1)?.number ?? 0) + 1, write });
          return undefined;
        });
        const lastChange = this.database.at(-1)?.number ?? 0;
        // A transaction that changes nothing syncs nothing.
        if (outcomes.includes(undefined)) this.syncedUpTo = lastChange;
        return { outcomes, lastChange, hasRoom: this.hasRoom };
      }
      if (this.syncFails) throw new Error('EIO');
      this.syncedUpTo = last;
      return undefined;
    });

  private logOn(disk: Disk): CommitLog & { wantsRelease: boolean } {
    return {
      wantsRelease: false,
      get takesAppend() {
        const [first, second] = disk.underWay;
        return !second && !first?.hasFailed;
      },
      hasRoomFor: (records: number) => this.takenCount - this.releasedCount + records <= this.logRecords,
      append: (records: readonly LoggedRecord[]) => {
        if (!this.log.takesAppend) throw new Error('under way');
        return this.append(records);
      },
      release: (number: number) => void (this.releasedUpTo = Math.max(this.releasedUpTo, number)),
      wipe: async () => true,
      close: () => undefined,
    } as unknown as CommitLog & { wantsRelease: boolean };
  }

  private get takenCount(): number {
    return this.underWay.reduce((sum, { records }) => sum + records.length, this.logged.length);
  }

  private append(records: readonly LoggedRecord[]): Promise<void> {
    const [before] = this.underWay;
    if (before) this.overlaps++;
    const append: DiskAppend = { records, isWritten: false, hasFailed: false, written: undefined, over: undefined };
    append.written = this.later('append', () => {
      if (this.logFails) throw new Error('EIO');
      append.isWritten = true;
      if (before && this.underWay.includes(before) && !before.isWritten) this.overtaken++;
    });
    this.underWay.push(append);
    return (append.over = this.carryOut(append, before));
  }

  /** As the log does: in their order, and nothing that comes behind one that failed. */
  private async carryOut(append: DiskAppend, before: DiskAppend | undefined): Promise<void> {
    try {
      await append.written;
      await before?.over;
      this.logged.push(...append.records);
      this.log.wantsRelease = this.logRecords < Infinity;
      const last = this.database.at(-1)?.number ?? 0;
      this.mostUnapplied = Math.max(this.mostUnapplied, this.logged.filter(({ number }) => number > last).length);
    } catch (thrown) {
      append.hasFailed = true;
      const behind = this.underWay[this.underWay.indexOf(append) + 1];
      if (behind) behind.hasFailed = true;
      await Promise.allSettled([before?.over, behind?.written]);
      throw thrown;
    } finally {
      this.underWay = this.underWay.filter(other => other !== append);
    }
  }

  private get releasedCount(): number {
    return this.logged.filter(({ number }) => number <= this.releasedUpTo).length;
  }

  private admitted(taskId: string): boolean {
    return this.database.some(({ write }) => write.kind === 'admit' && write.task.taskId === taskId);
  }

  /** What a start finds after a loss of power, in order; a log that was released is written over. */
  found(): string[] {
    const synced = this.database.filter(({ number }) => number <= this.syncedUpTo);
    const records = [...this.logged, ...this.underWay.flatMap(append => (append.isWritten ? append.records : []))];
    const again = acknowledgeable(records, certainOf(records)).filter(
      ({ number }) => number > this.syncedUpTo && number > this.releasedUpTo,
    );
    expect(again.map(({ number }) => number)).toEqual(again.map((_, at) => this.syncedUpTo + 1 + at));
    return [...synced.map(({ write }) => keyOf(write)), ...again.map(({ body }) => keyOf(decodeBody(body)))];
  }
}

function keyOf(write: WriteRequest): string {
  switch (write.kind) {
    case 'mark':
      return `mark ${write.taskId}`;
    case 'note':
      return `note ${write.text}`;
    case 'admit':
    case 'end':
      return `${write.kind} ${write.task.taskId}`;
    default:
      return write.kind;
  }
}

const atOnce: Later = async (_, work) => work();

function writerOn(disk: Disk): JournalWriter {
  const writer = new JournalWriter(disk.call, disk.ids, 0, true);
  writer.use(disk.log, disk.echo);
  return writer;
}

const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await Promise.resolve();
};

describe('writes', () => {
  it('are acknowledged in their order and never lost, whatever fails and whenever the power goes', async () => {
    const step = fc.oneof(
      { weight: 9, arbitrary: fc.record({ write: fc.constant('next' as const) }) },
      { weight: 4, arbitrary: fc.record({ write: fc.constantFrom('admit', 'mark', 'end', 'note', 'long', 'expire') }) },
      { weight: 1, arbitrary: fc.record({ logFails: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ databaseFails: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ hasRoom: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ settle: fc.constant(true) }) },
      { weight: 3, arbitrary: fc.record({ turns: fc.integer({ min: 1, max: 4 }) }) },
    );
    let overlaps = 0;
    let overtaken = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { maxLength: 60 }),
        fc.constantFrom(3, Infinity),
        async (scheduler, steps, logRecords) => {
          const disk = new Disk((what, work) => scheduler.schedule(Promise.resolve(), what).then(work));
          disk.logRecords = logRecords;
          const writer = writerOn(disk);
          const issued: string[] = [];
          const acknowledged: string[] = [];
          const write = (request: WriteRequest): void => {
            issued.push(keyOf(request));
            void writer.write(request).then(
              () => acknowledged.push(keyOf(request)),
              () => undefined,
            );
          };
          const judge = (): void => {
            const found = disk.found();
            const inOrder = issued.filter(key => found.includes(key));
            expect(found).toEqual(inOrder);
            expect(acknowledged.filter(key => !found.includes(key))).toEqual([]);
            expect(acknowledged).toEqual(issued.filter(key => acknowledged.includes(key)));
          };
          let n = 0;
          // One task, from its admission to its ending, and then another.
          let life: string[] = [];
          for (const each of steps) {
            if ('write' in each && each.write === 'next') {
              if (life.length === 0) life = [`life ${++n}`, 'admit', 'mark', 'end'];
              const taskId = life[0] as string;
              const [kind] = life.splice(1, 1);
              write(kind === 'admit' ? admission(taskId, n) : kind === 'mark' ? mark(taskId) : ending(taskId));
              if (life.length === 1) life = [];
            } else if ('write' in each) {
              const taskId = `t${++n}`;
              if (each.write === 'expire')
                void writer.write({ kind: 'expire', keptBeforeMs: 0, limit: 1 }).catch(() => undefined);
              else if (each.write === 'note') write(note(taskId));
              else if (each.write === 'mark') write(mark(taskId));
              else if (each.write === 'end') write(ending(taskId));
              else write(admission(taskId, n, each.write === 'long' ? 'x'.repeat(70_000) : 'p'));
            } else if ('settle' in each) void writer.settled();
            else if ('turns' in each)
              for (let left = each.turns; left > 0 && scheduler.count() > 0; left--) {
                await scheduler.waitOne();
                judge();
              }
            else Object.assign(disk, each);
            await turns();
            judge();
          }
          Object.assign(disk, { logFails: false, databaseFails: false });
          let isClosed = false;
          const closed = writer.close().then(() => (isClosed = true));
          while (!isClosed) {
            if (scheduler.count() > 0) await scheduler.waitOne();
            await aTurn();
            judge();
          }
          await closed;
          overlaps += disk.overlaps;
          overtaken += disk.overtaken;
        },
      ),
      { numRuns: 300 },
    );
    expect(overlaps).toBeGreaterThan(50);
    expect(overtaken).toBeGreaterThan(10);
  });

  it('are appended beside the one that is being appended where both are of one task, and nothing else is', async () => {
    const held: (() => void)[] = [];
    const disk = new Disk((what, work) =>
      what === 'append' ? new Promise<void>(resolve => held.push(resolve)).then(work) : atOnce(what, work),
    );
    const writer = writerOn(disk);
    const told: string[] = [];
    const write = (request: WriteRequest): void => void writer.write(request).then(() => told.push(keyOf(request)));
    write(admission('a', 1));
    write(mark('a'));
    write(ending('a'));
    expect(held).toHaveLength(2);
    held[1]?.();
    await turns();
    expect([told, disk.found()]).toEqual([[], []]);
    let isClosed = false;
    const closed = writer.close().then(() => (isClosed = true));
    held[0]?.();
    await turns();
    expect([told, held.length, isClosed]).toEqual([['admit a', 'mark a'], 3, false]);
    write(mark('b'));
    write(admission('c', 2));
    expect(held).toHaveLength(3);
    held[2]?.();
    await turns();
    held[3]?.();
    await closed;
    expect(told).toEqual(['admit a', 'mark a', 'end a', 'mark b', 'admit c']);
    expect(disk.logged.map(({ number, after }) => [number, after])).toEqual([
      [1, 0],
      [2, 0],
      [3, 2],
      [4, 3],
      [5, 3],
    ]);
  });

  it('come to the log in their order where they are given in the turn in which the one before is acknowledged', async () => {
    const disk = new Disk(atOnce);
    const writer = writerOn(disk);
    const later = writer.write(admission('a', 1)).then(() => [writer.write(mark('a')), writer.write(ending('a'))]);
    await Promise.all(await later);
    expect(disk.logged.map(({ number, body }) => [number, keyOf(decodeBody(body))])).toEqual([
      [1, 'admit a'],
      [2, 'mark a'],
      [3, 'end a'],
    ]);
    await writer.close();
    expect(disk.database.map(({ write }) => keyOf(write))).toEqual(['admit a', 'mark a', 'end a']);
  });

  it.each(['with it', 'with it where there is no log', 'while it is written', 'in the turn of its refusal'])(
    'of a task that is refused are refused when given %s: another has its id',
    async when => {
      const disk = new Disk(atOnce);
      const writer = new JournalWriter(disk.call, disk.ids, 0, true);
      if (when !== 'with it where there is no log') writer.use(disk.log, disk.echo);
      await writer.write(admission('a', 1));
      const busy = when.startsWith('with it') ? writer.write(note('x')) : undefined;
      const refused = writer.write(admission('a', 2));
      const give = (): Promise<unknown>[] => [
        writer.write(mark('a')),
        writer.write(ending('a'), new PendingTranscript()),
      ];
      const isLater = when === 'in the turn of its refusal';
      const behind = isLater ? refused.then(() => [], give) : Promise.resolve(give());
      const all = behind.then(writes => Promise.allSettled([refused, ...writes]));
      await busy;
      const conflict = expect.objectContaining({ code: 'TASK_CONFLICT' }) as unknown;
      expect(await all).toEqual(Array.from({ length: 3 }, () => ({ status: 'rejected', reason: conflict })));
      await aTurn();
      await writer.write(mark('a'));
      await writer.close();
      const others = busy ? ['note x'] : [];
      expect(disk.database.map(({ write }) => keyOf(write))).toEqual(['admit a', ...others, 'mark a']);
    },
  );

  it('wait for the database where the log holds as much as it may', async () => {
    const disk = new Disk(atOnce);
    const writer = writerOn(disk);
    await Promise.all(Array.from({ length: 1000 }, (_, n) => writer.write(admission(`t${n}`, n + 1))));
    expect(disk.mostUnapplied).toBeLessThanOrEqual(APPLY_LIMITS.admissions);
    expect(disk.logged).toHaveLength(1000);
    await writer.close();
    expect(disk.database).toHaveLength(1000);
  });

  it('are refused where one of the same id comes with them', async () => {
    const disk = new Disk(atOnce);
    const writer = writerOn(disk);
    const first = writer.write(note('x'));
    const writes = [admission('a', 1), admission('a', 2)].map(write => writer.write(write));
    await first;
    expect((await Promise.allSettled(writes)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await writer.close();
  });

  it('go to the database at once where it has to be asked: an id that may be taken, no room, a long prompt', async () => {
    const disk = new Disk(atOnce);
    const writer = writerOn(disk);
    await writer.write(admission('a', 1));
    disk.taken.add('b');
    await writer.write(admission('b', 2));
    await writer.write(admission('long', 3, 'x'.repeat(70_000)));
    await expect(writer.write(admission('a', 4))).rejects.toMatchObject({ code: 'TASK_CONFLICT' });
    await aTurn(); // Until then, what is given of that id would be of who was refused.
    disk.hasRoom = false;
    await writer.write(note('to hear of it'));
    await writer.write(admission('c', 5));
    await writer.write(mark('a'));
    expect(disk.logged.map(({ number }) => number)).toEqual([1, 6]);
    await writer.close();
  });

  it('come to the database in their order where it could not take the first of them', async () => {
    let go: (() => void) | undefined;
    const asked = (): boolean => go !== undefined;
    const disk = new Disk((what, work) =>
      what === 'apply' ? new Promise<void>(resolve => (go = resolve)).then(work) : atOnce(what, work),
    );
    const writer = writerOn(disk);
    await writer.write(admission('a', 1));
    void writer.settled();
    await turns();
    expect(asked()).toBe(true);
    await writer.write(mark('a'));
    disk.databaseFails = true;
    go?.();
    await turns();
    disk.databaseFails = false;
    const settled = writer.settled();
    await turns();
    go?.();
    await settled;
    expect(disk.database.map(({ write }) => keyOf(write))).toEqual(['admit a', 'mark a']);
    await writer.close();
  });

  it('stay in the log where what goes to the database at once comes to nothing, for then nothing was synced', async () => {
    const disk = new Disk(atOnce);
    const writer = writerOn(disk);
    await writer.write(admission('a', 1));
    await expect(writer.write(admission('a', 2))).rejects.toMatchObject({ code: 'TASK_CONFLICT' });
    expect(disk.found()).toEqual(['admit a']);
    await writer.close();
  });

  it('stay in the log once the database could not be synced, and go to the database at once from then on', async () => {
    const disk = new Disk(atOnce);
    disk.logRecords = 2;
    const writer = writerOn(disk);
    await writer.write(admission('a', 1));
    await writer.write(mark('a'));
    disk.syncFails = true;
    await writer.write(ending('a'));
    disk.syncFails = false;
    await writer.write(admission('b', 2));
    await writer.close();
    expect([disk.releasedUpTo, disk.logged.length]).toEqual([0, 2]);
    expect(disk.database.map(({ write }) => keyOf(write))).toEqual(['admit a', 'mark a', 'end a', 'admit b']);
  });

  it('are refused while the database cannot take what the log has, and go on with it', async () => {
    const disk = new Disk(atOnce);
    const writer = writerOn(disk);
    await writer.write(admission('a', 1));
    disk.databaseFails = true;
    await expect(writer.write(note('x'))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await expect(writer.write(mark('a'))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    disk.databaseFails = false;
    await writer.write(note('y'));
    expect(disk.database.map(({ write }) => keyOf(write))).toEqual(['admit a', 'note y']);
    await writer.close();
  });
});

describe('an ending', () => {
  it('is acknowledged with its transcript in the log, and in the database names it once the store has it', async () => {
    for (const isStored of [true, false]) {
      const disk = new Disk(atOnce);
      const writer = writerOn(disk);
      const transcript = new PendingTranscript('a'.repeat(64));
      await writer.write(admission('a', 1));
      await writer.write(ending('a'), transcript);
      const { id, json } = transcript;
      expect(decodeBody(disk.logged[1]?.body ?? '')).toMatchObject({ transcript: { id, json } });
      let isSettled = false;
      const settled = writer.settled().then(() => (isSettled = true));
      await turns();
      expect([isSettled, transcript.isHurried, disk.database]).toEqual([false, true, []]);
      transcript.tell(isStored);
      await settled;
      const { write } = disk.database[1] as { write: WriteRequest & { kind: 'end' } };
      expect(namesTranscript(write.task.ending)).toBe(isStored);
      await writer.close();
    }
  });
});

it('leaves nothing in the log of a write that failed, when nothing is written to it afterwards', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const disk = new Disk(atOnce);
    const wipe = vi.spyOn(disk.log, 'wipe');
    const writer = writerOn(disk);
    disk.logFails = true;
    await writer.write(admission('a', 1));
    await vi.advanceTimersByTimeAsync(5000);
    expect(wipe).toHaveBeenCalledTimes(1);
    await writer.close();
  } finally {
    vi.useRealTimers();
  }
});

it('is settled for a reader once the database has what was there when it asked, however much comes meanwhile', async () => {
  let applied = 0;
  const disk = new Disk(async (what, work) => {
    const done = work();
    // While the database takes something over, the log gets more.
    if (what === 'apply' && ++applied < 50) await writer.write(mark(`later ${applied}`));
    return done;
  });
  const writer = writerOn(disk);
  await writer.write(admission('a', 1));
  await writer.settled();
  expect(applied).toBeLessThan(5);
  await writer.close();
});

it('is not settled where the database cannot take what there is to read', async () => {
  const disk = new Disk(atOnce);
  const writer = writerOn(disk);
  await writer.write(admission('a', 1));
  disk.databaseFails = true;
  expect(await writer.settled()).toBe(false);
  expect(entriesOf(writer, 'a')).toEqual(['1 admit a']);
  disk.databaseFails = false;
  expect(await writer.settled()).toBe(true);
  expect(entriesOf(writer, 'a')).toEqual([]);
  await writer.close();
});

/** What a lookup of a task adds to what the database has. */
const entriesOf = (writer: JournalWriter, taskId: string): string[] =>
  writer.entriesOf(taskId).map(({ number, write }) => `${number} ${keyOf(write)}`);

it('gives a lookup what the database does not have of that task, in its order, and asks the database for nothing', async () => {
  const disk = new Disk(atOnce);
  const writer = writerOn(disk);
  await writer.write(admission('a', 1));
  await writer.write(admission('b', 2));
  await writer.write(mark('a'));
  expect([entriesOf(writer, 'a'), entriesOf(writer, 'b')]).toEqual([['1 admit a', '3 mark a'], ['2 admit b']]);
  expect([entriesOf(writer, 'c'), disk.database]).toEqual([[], []]);
  await writer.settled();
  await writer.write(ending('a'));
  expect([entriesOf(writer, 'a'), entriesOf(writer, 'b')]).toEqual([['4 end a'], []]);
  await writer.close();
  expect(entriesOf(writer, 'a')).toEqual([]);
});

it('gives a lookup an admission that evicted its task', async () => {
  const disk = new Disk(atOnce);
  const writer = writerOn(disk);
  await writer.write({ ...admission('b', 2), evicted: encodeEnding(endingOf('a')) } as WriteRequest);
  expect([entriesOf(writer, 'a'), entriesOf(writer, 'b')]).toEqual([['1 admit b'], ['1 admit b']]);
  await writer.settled();
  expect([entriesOf(writer, 'a'), entriesOf(writer, 'b')]).toEqual([[], []]);
  await writer.close();
});

it('gives a lookup what is being taken over until the database has it, and what comes meanwhile after that', async () => {
  let go: (() => void) | undefined;
  const disk = new Disk((what, work) =>
    what === 'apply' ? new Promise<void>(resolve => (go = resolve)).then(work) : atOnce(what, work),
  );
  const writer = writerOn(disk);
  await writer.write(admission('a', 1));
  const settled = writer.settled();
  await turns();
  await writer.write(mark('a'));
  expect(entriesOf(writer, 'a')).toEqual(['1 admit a', '2 mark a']);
  go?.();
  await settled;
  expect(entriesOf(writer, 'a')).toEqual(['2 mark a']);
  const closed = writer.close();
  await turns();
  go?.();
  await closed;
});
