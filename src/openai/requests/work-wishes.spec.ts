import { describe, expect, it } from 'vitest';
import { workHeadersOf } from './work-headers';
import { wishesOf } from './work-wishes';

const wishes = (body: object, headers: Record<string, string> = {}) => {
  const { priority, sessionId } = wishesOf(workHeadersOf(headers), body as Readonly<Record<string, unknown>>);
  return [sessionId, priority];
};

describe('session and priority of a request', () => {
  it.each([
    [{}, [undefined, 'interactive']],
    [{ metadata: { orchd_session: 's', orchd_priority: 'batch' } }, ['s', 'batch']],
    [{ metadata: { session: 's', priority: 'batch' } }, ['s', 'batch']],
    [{ metadata: { orchd_session: 'a', session: 'b' } }, ['a', 'interactive']],
    [{ metadata: { session: 'my own words', priority: 'high' } }, [undefined, 'interactive']],
    [{ metadata: null, service_tier: null }, [undefined, 'interactive']],
    [{ metadata: ['x'], service_tier: 'flex' }, [undefined, 'batch']],
    [{ service_tier: 'batch' }, [undefined, 'batch']],
    [{ service_tier: 'priority' }, [undefined, 'interactive']],
    [{ service_tier: 'flex', metadata: { priority: 'interactive' } }, [undefined, 'interactive']],
  ])('are in its body: %j', (body, wanted) => {
    expect(wishes(body)).toEqual(wanted);
  });

  it('are what its headers say where both say them', () => {
    const body = { metadata: { orchd_session: 'b', orchd_priority: 'batch' }, service_tier: 'flex' };
    const headers = { 'x-orchd-session': 'h', 'x-orchd-priority': 'interactive' };
    expect(wishes(body, headers)).toEqual(['h', 'interactive']);
  });

  it.each([
    [{ orchd_session: 'two words' }, 'metadata.orchd_session'],
    [{ orchd_priority: 'urgent' }, 'metadata.orchd_priority'],
  ])('are refused by name where they are ours and wrong: %j', (metadata, field) => {
    expect(() => wishes({ metadata })).toThrow(
      expect.objectContaining({ code: 'INVALID_PARAMS', details: expect.objectContaining({ field }) as object }),
    );
  });
});

it.each([
  ['x-orchd-deadline-ms', '01'],
  ['x-orchd-deadline-ms', '0'],
  ['x-orchd-max-wait-ms', '1e3'],
  ['x-orchd-do-not-queue', 'yes'],
])('a header that is not plain is refused by name: %s %s', (name, value) => {
  expect(() => workHeadersOf({ [name]: value })).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS' }));
});

describe('how long a request may wait', () => {
  it.each([
    [{}, undefined],
    [{ 'x-orchd-max-wait-ms': '250' }, 250],
    [{ 'x-orchd-max-wait-ms': '0' }, 0],
    [{ 'x-orchd-do-not-queue': 'true', 'x-orchd-max-wait-ms': '250' }, 0],
    [{ 'x-orchd-do-not-queue': 'false' }, undefined],
  ])('stands in headers: %j', (headers, maxWaitMs) => {
    expect(workHeadersOf(headers).maxWaitMs).toBe(maxWaitMs);
  });
});
