import { describe, expect, it } from 'vitest';
import { endingOf, factsOf, placement, plainSpec, workSpec } from '../../../../test/contracts/journal-samples';
import { decodeRecord, encodeAdmission, encodeEnding, encodePlacement } from './record-codec';
import type { TaskRow } from './rows';

function rowOf(ending: string): TaskRow {
  const { admission } = encodeAdmission(plainSpec('a'), factsOf(1));
  return [1, 'a', 'a', 1, 2, 1, 1000, admission, encodePlacement(placement), ending, 0];
}

describe('the usage of an ending', () => {
  it('comes back as it was, whether the engine told of its cache or not', () => {
    for (const usage of [
      { tokensIn: 12, tokensCached: 0, tokensOut: 34, promptMs: 0.25, decodeMs: 56.5, cost: 0.078 },
      { tokensIn: 12, tokensOut: 34, decodeMs: 56.5, cost: 0.078 },
    ]) {
      expect(decodeRecord(rowOf(encodeEnding(endingOf('a', { usage })).ending)).ending?.usage).toEqual(usage);
    }
  });

  it('is read of rows that were written before engines were asked for it', () => {
    const cells = JSON.parse(encodeEnding(endingOf('a')).ending) as unknown[];
    const usage = decodeRecord(rowOf(JSON.stringify(cells.slice(0, 10)))).ending?.usage;
    expect(usage).toEqual({ tokensIn: 12, tokensOut: 34, decodeMs: 56.5, cost: 0.078 });
  });
});

describe('a predicted start', () => {
  it('is a guess in rows that were written before its range was told', () => {
    const facts = factsOf(3);
    const { admission } = encodeAdmission(plainSpec('a'), facts);
    const row = (text: string): TaskRow => [3, 'a', 'a', facts.admittedAtMs, 0, 0, null, text, null, null, 0];
    expect(decodeRecord(row(admission)).facts.predictedStart).toEqual(facts.predictedStart);
    const older = JSON.stringify((JSON.parse(admission) as unknown[]).slice(0, 21));
    expect(decodeRecord(row(older)).facts).toMatchObject({
      predictedStartMs: 300,
      predictedStart: { earliestMs: 0, latestMs: 3000, basis: 'assumed' },
    });
  });
});

describe('an operation', () => {
  const row = (admission: string): TaskRow => [3, 'a', 'a', 1, 0, 0, null, admission, null, null, 0];

  it('is in no row that was written before there were any, nor in one of a plain completion', () => {
    const { admission } = encodeAdmission(plainSpec('a'), factsOf(3));
    const older = JSON.stringify((JSON.parse(admission) as unknown[]).slice(0, 22));
    for (const text of [older, admission]) expect(decodeRecord(row(text), 'text').spec).not.toHaveProperty('operation');
  });

  it('comes back as it was', () => {
    const spec = workSpec('a');
    const { admission, prompt } = encodeAdmission(spec, factsOf(3));
    expect(decodeRecord(row(admission), prompt).spec).toEqual(spec);
  });
});
