import { expect, it } from 'vitest';
import { afterTurnEnds, OwnTurns } from './own-turns';
import { TurnEnd } from './turn-end';

it('gives everybody a turn of their own, in the order they came', async () => {
  const turns = new OwnTurns();
  let turn = 0;
  let isOver = false;
  const count = (): void => {
    turn++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const given: [string, number][] = [];
  const work = async (name: string, steps: number): Promise<void> => {
    for (let n = 0; n < steps; n++) {
      await turns.next();
      given.push([name, turn]);
    }
  };
  await Promise.all([work('a', 3), work('b', 3), work('c', 1)]);
  isOver = true;
  expect(given.map(([name]) => name).join('')).toBe('abcabab');
  expect(new Set(given.map(([, at]) => at)).size).toBe(given.length);
});

it('runs a job behind what is left to the end of the turn that it came in, also where that came later', async () => {
  const turnEnd = new TurnEnd();
  const seen: string[] = [];
  await new Promise<void>(resolve => {
    setImmediate(() => {
      afterTurnEnds(() => {
        seen.push('behind');
        resolve();
      });
      turnEnd.do(() => seen.push('left to the end'));
    });
  });
  expect(seen).toEqual(['left to the end', 'behind']);
});
