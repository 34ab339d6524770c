import { expect, it } from 'vitest';
import { competitionFor } from './competition';
import type { Rivals } from './start-predictor';

function rivals(stations: readonly number[], tasks: number): Rivals {
  return { stations, ahead: { tasks, promptTokens: 10 * tasks, askedTokens: 100 * tasks }, comingPerMs: tasks / 1000 };
}

it('leaves out what is pinned elsewhere', () => {
  expect(competitionFor([0], [rivals([1], 50)])).toEqual({ stations: [0], rivals: [], own: [0] });
});

it('counts who may use one of its stations, and who pushes those there', () => {
  const { stations, rivals: competing, own } = competitionFor([0], [rivals([1], 5), rivals([0, 1], 2), rivals([2], 9)]);
  expect([stations, own]).toEqual([[0, 1], [0]]);
  expect(competing.map(({ stations: usable, ahead }) => [usable, ahead.tasks])).toEqual([
    [[1], 5],
    [[0, 1], 2],
  ]);
});

it('counts lanes with the same choice together, whatever their order', () => {
  const { rivals: competing } = competitionFor([1, 0], [rivals([0, 1], 3), rivals([1, 0], 4), rivals([1], 1)]);
  // The asker's own come first: station 1 stands at place 0.
  expect(competing.map(({ stations, ahead, comingPerMs }) => [stations, ahead, comingPerMs])).toEqual([
    [[0], { tasks: 1, promptTokens: 10, askedTokens: 100 }, 0.001],
    [[0, 1], { tasks: 7, promptTokens: 70, askedTokens: 700 }, 0.007],
  ]);
});

it('bounds the choices that are told apart, and loses nobody', () => {
  const many = Array.from({ length: 40 }, (_, n) => rivals([n, n + 1], 1));
  const { rivals: competing } = competitionFor([0], many);
  expect(competing).toHaveLength(9);
  expect(competing.reduce((sum, { ahead }) => sum + ahead.tasks, 0)).toBe(40);
  expect(competing.at(-1)?.stations).toHaveLength(33);
});
