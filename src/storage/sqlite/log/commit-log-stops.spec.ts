import fc from 'fast-check';
import { readFileSync, write, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../../test/support/temporary-folder';
import { files } from '../file/journal-file';
import { CommitLog, readCommitLog } from './commit-log';
import { mostBytes } from './commit-log-records';
import type { WriteFile } from './commit-segment';

/* Whatever is done with the log, and wherever in a write the process stops: what the next start finds in its files. */

const SEGMENT_BYTES = 512;

/** What becomes of the writes of a step: as long as there are faults left, each fails after such a share of its bytes. */
const faults = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });
const none = fc.constant<number[]>([]);
const append = fc.record({
  kind: fc.constantFrom('append' as const, 'append' as const, 'append while wiping' as const),
  sizes: fc.array(fc.nat({ max: 150 }), { minLength: 1, maxLength: 4 }),
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
    await this.append({ kind: 'append', sizes: [400], faults: [], isInPlace: true, releaseBack: undefined });
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
    if (share === undefined) write(handle, bytes, offset, length, position, done);
    else setImmediate(done, new Error('EIO'), 0);
  };

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
    const records = step.sizes.map((size, at) => ({
      number: this.last + 1 + at,
      body: `${++this.bodies} ${'é'.repeat(size >> 1)}`,
    }));
    const bodyBytes = records.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
    const fits = mostBytes(records.length, bodyBytes) <= SEGMENT_BYTES;
    if (this.released >= this.last) expect(this.log.hasRoomFor(records.length, bodyBytes)).toBe(fits);
    if (!this.log.hasRoomFor(records.length, bodyBytes)) return;
    for (const { body } of records) this.unsure.add(body);
    const wiping = step.kind === 'append' ? undefined : this.log.wipe();
    this.faults = [...step.faults];
    this.isInPlace = step.isInPlace;
    const appended = this.log.append(records);
    if (step.releaseBack !== undefined) this.release(Math.max(0, this.last - step.releaseBack));
    const fault = await appended.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (wiping) await wiping.catch(() => undefined);
    this.faults = [];
    if (step.faults.length === 0) expect(fault === undefined).toBe(step.isInPlace);
    if (fault !== undefined) return;
    this.unsure.clear();
    for (const { number, body } of records) this.acknowledged.set(number, body);
    this.last += records.length;
  }

  /** All that was acknowledged and not released is there, and nothing that was never appended or was refused before. */
  private check(): void {
    const found = new Map(readCommitLog(this.folder.path).records.map(({ number, body }) => [number, body]));
    for (let number = this.released + 1; number <= this.last; number++)
      expect(found.get(number), `${number} of ${this.last}`).toBe(this.acknowledged.get(number));
    for (const [number, body] of found)
      if (!this.unsure.has(body)) expect(body, `${number} was refused`).toBe(this.acknowledged.get(number));
  }

  private get isBlank(): boolean {
    return files.commits.every(name => readFileSync(join(this.folder.path, name)).every(byte => byte === 0));
  }
}

it('is all that was acknowledged and not released, and nothing that was refused', async () => {
  const shares = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), shares, async (steps, share) => {
      const trial = new Trial(() => share.next().value as number);
      try {
        for (const each of steps) await trial.take(each);
        await trial.end();
      } finally {
        trial.remove();
      }
    }),
    { numRuns: 60 },
  );
});
