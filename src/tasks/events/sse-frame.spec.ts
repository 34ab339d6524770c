import fc from 'fast-check';
import { expect, it } from 'vitest';
import { eventFrame, eventOfFrame, eventsIn } from './sse-frame';

const event = fc.record({
  seq: fc.nat(),
  type: fc.constantFrom('started', 'token', 'delta', 'metrics', 'result', 'end', 'error'),
  data: fc.json(),
});

it('what was framed is read again, whatever it holds', () => {
  fc.assert(
    fc.property(fc.array(event), events => {
      const frames = events.map(({ seq, type, data }) => eventFrame(seq, type, data));
      // Bytes hold no lone surrogates, and events have none.
      const wellFormed = events.map(({ data, ...others }) => ({ ...others, data: data.toWellFormed() }));
      expect([...eventsIn(Buffer.from(frames.join('')))]).toEqual(wellFormed);
      expect(frames.map(eventOfFrame)).toEqual(events.map(({ type, data }) => ({ type, data })));
    }),
  );
});
