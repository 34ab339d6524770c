import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArtifactInfo, ArtifactQuery } from '../../artifacts/artifact-store.port';
import { ArtifactIndex, NAME_BYTES } from './artifact-index';

/** Few of each, so that they collide. */
const infos = fc
  .record({
    id: fc.constantFrom('a', 'b', 'c', 'd'),
    kind: fc.constantFrom('document', 'transcript'),
    storedAtMs: fc.integer({ min: 1, max: 4 }),
    taskId: fc.constantFrom('t1', 't2', 't3'),
  })
  .map(({ id, kind, storedAtMs, taskId }): ArtifactInfo => {
    return {
      id,
      kind: kind,
      createdAtMs: 0,
      storedAtMs,
      bytes: id.charCodeAt(0),
      ...(kind === 'transcript' && { taskId }),
    };
  });

const newestFirst = (a: ArtifactInfo, b: ArtifactInfo): number => b.storedAtMs - a.storedAtMs || (a.id < b.id ? -1 : 1);

/** The plain way to answer the same. */
function expected(names: readonly ArtifactInfo[], { kind, taskId, after, limit }: ArtifactQuery): readonly string[] {
  const listed = [...new Set(names.map(({ id }) => id))].map(id => {
    const own = names.filter(info => info.id === id).sort(newestFirst);
    return own.find(info => info.kind === 'document') ?? (own[0] as ArtifactInfo);
  });
  return (taskId === undefined ? listed : names.filter(info => info.taskId === taskId))
    .filter(info => kind === undefined || info.kind === kind)
    .filter(info => !after || newestFirst(after as ArtifactInfo, info) < 0)
    .sort(newestFirst)
    .filter(info => !after || info.id !== after.id || info.storedAtMs !== after.storedAtMs)
    .slice(0, limit)
    .map(({ id, storedAtMs, kind: shown }) => `${storedAtMs} ${id} ${shown}`);
}

describe('ArtifactIndex', () => {
  it('answers as a plain list of all names does, after any additions and removals', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), infos), { maxLength: 40 });
    const query = fc.record({
      kind: fc.constantFrom(undefined, 'document' as const, 'transcript' as const),
      taskId: fc.constantFrom(undefined, undefined, 't1', 't2'),
      after: fc.option(fc.record({ storedAtMs: fc.integer({ min: 0, max: 5 }), id: fc.constantFrom('a', 'b', 'x') }), {
        nil: undefined,
      }),
      limit: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(steps, query, (actions, { kind, taskId, after, limit }) => {
        const index = new ArtifactIndex();
        let names: ArtifactInfo[] = [];
        for (const [adds, info] of actions) {
          const known = names.find(
            ({ id, kind: k, taskId: t }) => id === info.id && k === info.kind && t === info.taskId,
          );
          expect(index.holds(info.id, info.kind, info.taskId)).toBe(known !== undefined);
          if (adds && !known) {
            names.push(info);
            index.add(info);
          } else if (!adds && known) {
            names = names.filter(other => other !== known);
            index.delete(known);
          }
        }
        const asked: ArtifactQuery = {
          limit,
          ...(kind && { kind }),
          ...(taskId && { taskId }),
          ...(after && { after }),
        };
        const found = index.list(asked).map(({ id, storedAtMs, kind: k }) => `${storedAtMs} ${id} ${k}`);
        expect(found).toEqual(expected(names, asked));
        const contents = names.reduce((sum, { bytes }) => sum + bytes, 0);
        expect(index.bytes).toBe(names.length * NAME_BYTES + contents);
        const ages = names.filter(info => info.kind === 'transcript').map(({ storedAtMs }) => storedAtMs);
        expect(index.lastStoredMs ?? -Infinity).toBe(Math.max(...names.map(({ storedAtMs }) => storedAtMs)));
        expect(index.oldestTranscript()?.storedAtMs).toBe(ages.length > 0 ? Math.min(...ages) : undefined);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['one after the other', (n: number) => n],
    ['the other way round', (n: number) => 10_000 - n],
    ['in any order', (n: number) => n % 17],
  ])('keeps its order over many blocks, stored %s', (_, storedAtMs) => {
    const index = new ArtifactIndex();
    const all = Array.from({ length: 10_000 }, (_, n): ArtifactInfo => {
      return {
        id: String((n * 7919) % 10_000).padStart(5, '0'),
        kind: 'document',
        createdAtMs: 0,
        storedAtMs: storedAtMs(n),
        bytes: 1,
      };
    });
    for (const info of all) index.add(info);
    for (const info of all.filter((_, n) => n % 3 === 0)) index.delete(info);
    const rest = all.filter((_, n) => n % 3 !== 0).sort(newestFirst);
    expect(index.list({ limit: 20_000 })).toEqual(rest);
    const from = rest[4321] as ArtifactInfo;
    expect(index.list({ after: from, limit: 3 })).toEqual(rest.slice(4322, 4325));
  });
});
