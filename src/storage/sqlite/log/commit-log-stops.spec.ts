import fc from 'fast-check';
import { readFileSync, write, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../../test/support/temporary-folder';
import { files } from '../file/journal-file';
import { acknowledgeable, certainOf } from '../opening/replay';
import { CommitLog } from './commit-log';
import { readCommitLog } from './commit-log-reading';
import { mostBytes, type LoggedRecord } from './commit-log-records';
import type { WriteFile } from './commit-segment';

/* Whatever is done with the log, and wherever in a write the process stops: what the next start finds in its files. */

const SEGMENT_BYTES = 512;

/** What becomes of the writes of a step: as long as there are faults left, each fails after such a share of its bytes. */
const faults = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });
const none = fc.constant<number[]>([]);
const sizes = fc.array(fc.nat({ max: 150 }), { minLength: 1, maxLength: 4 });
const append = fc.record({
  kind: fc.constantFrom('append' as const, 'append' as const, 'append while wiping' as const),
  sizes,
  /** Of one that is appended beside it. */
  beside: fc.option(sizes, { nil: undefined }),
  faults: fc.oneof({ weight: 4, arbitrary: none }, { weight: 1, arbitrary: faults }),
  isInPlace: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  /** Released while it is under way, so many numbers before its first. */
  releaseBack: fc.option(fc.nat({ max: 6 }), { nil: undefined }),
});
const release = fc.record({
  kind: fc.constant('release' as const),
  back: fc.oneof(fc.constant(0), fc.nat({ max: 8 })),
});
const wipe = fc.record({
  kind: fc.constant('wipe' as const),
  faults: fc.oneof({ weight: 4, arbitrary: none }, { weight: 1, arbitrary: faults }),
});
const step = fc.oneof(
  { weight: 5, arbitrary: append },
  { weight: 3, arbitrary: release },
  { weight: 1, arbitrary: wipe },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Trial {
  private readonly folder = temporaryFolder();
  private readonly log: CommitLog;
  private faults: number[] = [];
  private isInPlace = true;
  /** Bodies that were acknowledged, and those that were being appended or were refused since anything was acknowledged. */
  private readonly acknowledged = new Map<number, string>();
  private readonly unsure = new Set<string>();
  private last = 0;
  private released = 0;
  private bodies = 0;
  /** In their order: the bodies of the appends that are under way, and how many appends were begun beside another. */
  private underWay: (readonly string[])[] = [];
  overlaps = 0;
  /** Of those, whose write was over before that of the first. */
  overtaken = 0;
  private writing: number[] = [];
  /** What was wrong while something was being written. */
  private found: Error | undefined;

  constructor(private readonly share: () => number) {
    const assertInPlace = (): void => {
      if (!this.isInPlace) throw new Error('gone');
    };
    this.log = CommitLog.create(this.folder.path, assertInPlace, SEGMENT_BYTES, this.writeFile);
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'release') this.release(Math.max(0, this.last - step.back));
    else if (step.kind === 'wipe') await this.wipe(step.faults);
    else await this.append(step);
    this.check();
    if (this.found) throw this.found;
  }

  async end(): Promise<void> {
    this.release(this.last);
    await this.append({
      kind: 'append',
      sizes: [400],
      beside: undefined,
      faults: [],
      isInPlace: true,
      releaseBack: undefined,
    });
    expect(this.log.heldUpTo).toBe(this.last);
    this.check();
    expect(readCommitLog(this.folder.path).records.filter(({ body }) => this.unsure.has(body))).toEqual([]);
  }

  remove(): void {
    this.log.close();
    this.folder.remove();
  }

  /** Looks at the files when a part of the write is there, then goes on with it or fails. */
  private readonly writeFile: WriteFile = (handle, bytes, offset, length, position, done) => {
    const share = this.faults.shift();
    writeSync(handle, bytes, offset, Math.floor((share ?? this.share()) * length), position);
    try {
      this.check();
    } catch (thrown) {
      this.found ??= thrown as Error;
    }
    const turns = Math.floor(this.share() * 4);
    void this.finish(turns, position, share === undefined, over =>
      share === undefined ? write(handle, bytes, offset, length, position, over) : over(new Error('EIO'), 0),
    ).then(([fault, written]) => done(fault, written));
  };

  /** Of writes that are under way at once, each takes its time. */
  private async finish(
    turns: number,
    position: number,
    isWhole: boolean,
    rest: (over: (fault: Error | null, written: number) => void) => void,
  ): Promise<[Error | null, number]> {
    this.writing.push(position);
    for (let turn = 0; turn < turns; turn++) await immediate();
    const outcome = await new Promise<[Error | null, number]>(resolve =>
      rest((fault, written) => resolve([fault, written])),
    );
    if (isWhole && this.writing.indexOf(position) > 0) this.overtaken++;
    this.writing.splice(this.writing.indexOf(position), 1);
    try {
      this.check();
    } catch (thrown) {
      this.found ??= thrown as Error;
    }
    return outcome;
  }

  private release(number: number): void {
    this.released = Math.max(this.released, number);
    this.log.release(number);
  }

  private async wipe(faults: readonly number[]): Promise<void> {
    this.faults = [...faults];
    const mayFail = faults.length > 0;
    const isWiped = await this.log.wipe().catch((thrown: unknown) => {
      if (!mayFail) throw thrown;
      return undefined;
    });
    this.faults = [];
    if (isWiped !== undefined) expect(isWiped).toBe(this.isBlank);
    if (!mayFail && this.released >= this.last) expect(isWiped).toBe(true);
  }

  private async append(step: Extract<Step, { sizes: readonly number[] }>): Promise<void> {
    if (!this.hasRoomFor(step.sizes)) return;
    const wiping = step.kind === 'append' ? undefined : this.log.wipe();
    this.faults = [...step.faults];
    this.isInPlace = step.isInPlace;
    const appended = this.begin(step.sizes);
    if (step.releaseBack !== undefined) this.release(Math.max(0, this.last - step.releaseBack));
    const beside = step.beside && (await this.beginBeside(step.beside));
    const isKept = await appended;
    const isBesideKept = await beside?.isKept;
    if (wiping) await wiping.catch(() => undefined);
    this.faults = [];
    if (beside?.isOverlapping && !isKept) expect(isBesideKept).toBe(false);
    if (step.faults.length > 0) return;
    expect(isKept).toBe(step.isInPlace);
    expect(isBesideKept ?? isKept).toBe(step.isInPlace);
  }

  /** What a step that has no room for a second one leaves out, or whose first was over before. */
  private async beginBeside(
    besides: readonly number[],
  ): Promise<{ readonly isKept: Promise<boolean>; readonly isOverlapping: boolean } | undefined> {
    while (!this.log.takesAppend) await immediate();
    if (!this.hasRoomFor(besides)) return undefined;
    const isOverlapping = this.underWay.length > 0;
    if (isOverlapping) this.overlaps++;
    return { isKept: this.begin(besides), isOverlapping };
  }

  private hasRoomFor(bodySizes: readonly number[]): boolean {
    const most = bodySizes.map(size => 12 + (size >> 1) * 2);
    const bodyBytes = most.reduce((sum, bytes) => sum + bytes, 0);
    const fits = mostBytes(bodySizes.length, bodyBytes) <= SEGMENT_BYTES;
    const hasRoom = this.log.hasRoomFor(bodySizes.length, bodyBytes);
    if (this.underWay.length === 0 && this.released >= this.last) expect(hasRoom).toBe(fits);
    return hasRoom;
  }

  /** Gives whether it was acknowledged. */
  private async begin(bodySizes: readonly number[]): Promise<boolean> {
    const before = this.underWay.reduce((sum, bodies) => sum + bodies.length, this.last);
    const records = bodySizes.map((size, at) => ({
      number: before + 1 + at,
      after: this.last,
      body: `${++this.bodies} ${'é'.repeat(size >> 1)}`,
    }));
    const bodies = records.map(({ body }) => body);
    for (const body of bodies) this.unsure.add(body);
    this.underWay.push(bodies);
    try {
      await this.log.append(records);
      expect(records[0]?.number, 'acknowledged in their order').toBe(this.last + 1);
      this.last += records.length;
      for (const { number, body } of records) this.acknowledged.set(number, body);
      this.underWay = this.underWay.filter(others => others !== bodies);
      this.unsure.clear();
      for (const body of this.underWay.flat()) this.unsure.add(body);
      return true;
    } catch (thrown) {
      this.underWay = this.underWay.filter(others => others !== bodies);
      if (!['EIO', 'gone'].includes((thrown as Error).message)) throw thrown;
      return false;
    }
  }

  /** All that was acknowledged and not released is there, and nothing that was never appended or was refused before. */
  private check(): void {
    const { records, damaged } = readCommitLog(this.folder.path, SEGMENT_BYTES);
    const found = new Map(records.map(({ number, body }) => [number, body]));
    for (let number = this.released + 1; number <= this.last; number++)
      expect(found.get(number), `${number} of ${this.last}`).toBe(this.acknowledged.get(number));
    for (const [number, body] of found)
      if (!this.unsure.has(body)) expect(body, `${number} was refused`).toBe(this.acknowledged.get(number));
    if (damaged === 0) this.checkOrder(records);
  }

  /** What a start does again is what was appended, in its order, up to a point. */
  private checkOrder(records: readonly LoggedRecord[]): void {
    const again = acknowledgeable(records, certainOf(records)).filter(({ number }) => number > this.released);
    expect(again.length).toBeGreaterThanOrEqual(this.last - this.released);
    expect(again.map(({ number }) => number)).toEqual(again.map((_, at) => this.released + 1 + at));
  }

  private get isBlank(): boolean {
    return files.commits.every(name => readFileSync(join(this.folder.path, name)).every(byte => byte === 0));
  }
}

it('is all that was acknowledged and not released, and nothing that was refused', async () => {
  const shares = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }));
  let overlaps = 0;
  let overtaken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), shares, async (steps, share) => {
      const trial = new Trial(() => share.next().value as number);
      try {
        for (const each of steps) await trial.take(each);
        await trial.end();
      } finally {
        trial.remove();
      }
      overlaps += trial.overlaps;
      overtaken += trial.overtaken;
    }),
    { numRuns: 120 },
  );
  expect(overlaps).toBeGreaterThan(0);
  expect(overtaken).toBeGreaterThan(0);
});
