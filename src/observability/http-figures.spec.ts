import { expect, it } from 'vitest';
import { HttpFigures } from './http-figures';

const NAME = 'http_request_duration_ms';

it('counts by route, method and status, and times in buckets that hold each other', () => {
  const figures = new HttpFigures();
  const path = figures.path('/v2/workers/:pool/:replica');
  for (const [status, ms] of [
    [204, 3],
    [204, 7],
    [404, 1_000_000],
  ] as const)
    path.of('DELETE').observe(status, ms);
  const labels = { route: '/v2/workers/{pool}/{replica}', method: 'DELETE' };
  expect(figures.counts()).toEqual([
    { labels: { ...labels, status: 204 }, value: 2 },
    { labels: { ...labels, status: 404 }, value: 1 },
  ]);
  const durations = figures.durations(NAME);
  const bucket = (le: number | string): number | undefined =>
    durations.find(sample => sample.labels['le'] === le && sample.metricName === `${NAME}_bucket`)?.value;
  expect([bucket(5), bucket(10), bucket(300_000), bucket('+Inf')]).toEqual([1, 2, 2, 3]);
  expect(durations.slice(-2)).toEqual([
    { labels, value: 1_000_010, metricName: `${NAME}_sum` },
    { labels, value: 3, metricName: `${NAME}_count` },
  ]);
});

it('has one route for all that is not there, and one method for those that nobody uses', () => {
  const figures = new HttpFigures();
  for (const method of ['GET', 'PROPFIND', 'BREW']) figures.unmatched(method).observe(404, 1);
  expect(figures.counts().map(({ labels, value }) => [labels['route'], labels['method'], value])).toEqual([
    ['unmatched', 'GET', 1],
    ['unmatched', 'other', 2],
  ]);
});

it('says nothing of routes that nobody has asked for', () => {
  const figures = new HttpFigures();
  figures.path('/healthz').of('GET');
  expect([figures.counts(), figures.durations(NAME)]).toEqual([[], []]);
});
