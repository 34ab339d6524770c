import { beforeEach, expect, it } from 'vitest';
import { PeerLoads } from './peer-loads';
import type { ReportedAttempt, ReportedReplica } from './report-runs';

let peers: PeerLoads;
beforeEach(() => void (peers = new PeerLoads()));

const runsOf = (...runs: readonly ReportedReplica[]) => ({ runs, arrivals: [] });
const young: ReportedAttempt = [500, -1, 0, 10, 100];
const old: ReportedAttempt = [9000, 8000, 70, 10, 100];

it('knows what others run by their ages, whatever their clocks say, each time as they reported last', () => {
  peers.receive('a', runsOf({ replica: 'p/r', attempts: 2, sample: [young, old] }), 20_000);
  peers.receive('b', runsOf({ replica: 'p/r', attempts: 1, sample: [old] }), 20_500);
  const size = { promptTokens: 10, askedTokens: 100 };
  expect(peers.on('p/r', 21_000)).toEqual([
    { ...size, startedAtMs: 19_500, firstOutputAtMs: undefined, tokens: 0, asOfMs: 20_000 },
    { ...size, startedAtMs: 11_000, firstOutputAtMs: 12_000, tokens: 70, asOfMs: 20_000 },
    { ...size, startedAtMs: 11_500, firstOutputAtMs: 12_500, tokens: 70, asOfMs: 20_500 },
  ]);
  peers.receive('a', runsOf({ replica: 'p/other', attempts: 1, sample: [young] }), 21_000);
  expect([peers.on('p/r', 21_000).length, peers.on('p/other', 21_000).length]).toEqual([1, 1]);
  expect([...peers.counts(21_000)]).toEqual([
    ['p/r', 1],
    ['p/other', 1],
  ]);
});

it('lets each of a sample stand for as many as there are more of them', () => {
  peers.receive('a', runsOf({ replica: 'p/r', attempts: 5, sample: [young, old] }), 0);
  expect(peers.on('p/r', 0).map(({ tokens }) => tokens)).toEqual([0, 0, 0, 70, 70]);
});

it('forgets what a node ran that has fallen silent, and of nodes without end those that reported first', () => {
  const runs = runsOf({ replica: 'p/r', attempts: 1, sample: [young] });
  peers.receive('gone', runs, 0);
  peers.receive('here', runs, 2000);
  expect(peers.on('p/r', 3500).length).toBe(2);
  expect(peers.on('p/r', 3501).length).toBe(1);
  expect(peers.counts(5501).size).toBe(0);
  for (let n = 0; n < 100; n++) peers.receive(`n${n}`, runs, 6000);
  expect(peers.on('p/r', 6000).length).toBe(64);
});

it('knows what comes to them, for as long as they report it', () => {
  const constraints = { preferPools: [], avoidPools: [], workload: 'completion' };
  const arrivals = [{ constraints, perS: 2 }];
  peers.receive('a', { runs: [], arrivals }, 0);
  peers.receive('b', { runs: [], arrivals }, 2000);
  expect([...peers.arrivals(2000)]).toEqual([...arrivals, ...arrivals]);
  expect([...peers.arrivals(4000)]).toEqual(arrivals);
  peers.receive('b', { runs: [], arrivals: [] }, 4000);
  expect([...peers.arrivals(4000)]).toEqual([]);
});
