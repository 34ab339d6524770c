import { expect, it } from 'vitest';
import { Paces } from './paces';
import type { AttemptMeasure } from './pool-pace';

const measure: AttemptMeasure = {
  promptTokens: 100,
  askedTokens: 50,
  cachedShare: 0.25,
  prefillMs: 80,
  decodeMs: 49 * 20,
  tokens: 50,
  stoppedByItself: false,
  beside: 2,
};
const outlook = { startMs: 1000, sdMs: 50 };

function restored(from: Paces): Paces {
  const paces = new Paces();
  paces.restore(from.takeNews() ?? '');
  return paces;
}

it('keeps all it has learned of pools, in some kilobyte of text each', () => {
  const paces = new Paces();
  for (let n = 0; n < 10; n++) paces.observe('a', measure);
  for (let n = 0; n < 10; n++) paces.calibration(['a'], 'queued').observe(outlook, 1200);
  for (let n = 0; n < 10; n++) paces.calibration(['a', 'b'], 'next').observe(outlook, 900);
  const kept = restored(paces);
  expect(kept.pace('a').isMeasured).toBe(true);
  expect(kept.pace('a').decodePace(2)).toEqual(paces.pace('a').decodePace(2));
  expect(kept.pace('a').prefillOf(300)).toEqual(paces.pace('a').prefillOf(300));
  expect(kept.pace('a').lengthOf(50)).toEqual(paces.pace('a').lengthOf(50));
  expect(kept.calibration(['a'], 'queued').tell(outlook)).toEqual(paces.calibration(['a'], 'queued').tell(outlook));
  expect(kept.calibration(['b', 'c'], 'next').tell(outlook)).toEqual(
    paces.calibration(['a', 'b'], 'next').tell(outlook),
  );
  paces.observe('a', measure);
  expect(paces.takeNews()?.length).toBeLessThan(3000);
});

it('gives out what it knows where something was learned since it was asked last', () => {
  const paces = new Paces();
  expect(paces.takeNews()).toBeUndefined();
  paces.observe('a', measure);
  const first = paces.takeNews();
  expect([first, paces.takeNews()]).toEqual([expect.stringContaining('"a"'), undefined]);
  paces.keepForLater();
  expect(paces.takeNews()).toBe(first);
});

it('is measured from the third attempt on, and not after another model was loaded until three more', () => {
  const paces = new Paces();
  const seen: boolean[] = [];
  for (let n = 0; n < 3; n++) {
    seen.push(paces.pace('a').isMeasured);
    paces.observe('a', measure);
  }
  seen.push(paces.pace('a').isMeasured);
  paces.doubt('a');
  seen.push(paces.pace('a').isMeasured);
  expect(seen).toEqual([false, false, false, true, false]);
  expect(paces.pace('a').decodePace(2).msPerToken).toBeCloseTo(20);
});

it('begins anew where what was kept is of another version or nothing at all', () => {
  const paces = new Paces();
  for (const text of ['', '[0, [["a"]]]', '{"a": 1}', 'null', '[1]', '[1, 2]']) paces.restore(text);
  expect(paces.pace('a').isMeasured).toBe(false);
});

it('bounds the pools that it remembers: the one unused for longest goes', () => {
  const paces = new Paces();
  for (let n = 0; n < 3; n++) paces.observe('first', measure);
  for (let n = 0; n < 256; n++) paces.observe(`p${n}`, measure);
  expect(paces.pace('first').isMeasured).toBe(false);
});
