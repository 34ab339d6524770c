import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { decodeRecords, encodeRecords, mostBytes, type LoggedRecord } from './commit-log-records';

const anyBody = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.json());
const anyGroup = fc
  .array(anyBody, { minLength: 1, maxLength: 6 })
  .map(bodies => bodies.map((body, at): LoggedRecord => ({ number: 2 ** 40 + at, after: 2 ** 39, body })));

/** What an earlier lap has left: its records, of which the first is overwritten in part. */
const anyStale = fc.tuple(anyGroup, fc.integer({ min: 0, max: 4 })).map(([group, units]) => {
  const stale = group.map(({ number, ...rest }) => ({ ...rest, number: number - 1000 }));
  return encodeRecords(stale).subarray(units * 8);
});

describe('records of the commit log', () => {
  it('come back as they were, whatever their bodies say', () => {
    fc.assert(
      fc.property(anyGroup, group => {
        expect(decodeRecords(encodeRecords(group))).toEqual({ records: group, damaged: 0 });
      }),
    );
  });

  it('take half of a surrogate pair for U+FFFD and nothing else with it', () => {
    const group = [
      { number: 1, after: 0, body: 'a\ud800b' },
      { number: 2, after: 0, body: 'c' },
    ];
    const [first, second] = decodeRecords(encodeRecords(group)).records;
    expect(first).toEqual({ number: 1, after: 0, body: 'a\ufffdb' });
    expect(second).toEqual(group[1]);
  });

  it('have zeros behind them, and nothing that was in memory', () => {
    const alloc = vi.spyOn(Buffer, 'allocUnsafe').mockImplementation(size => Buffer.alloc(size, 0xff));
    try {
      const encoded = encodeRecords([{ number: 1, after: 0, body: 'x' }]);
      expect([...encoded.subarray(28)]).toEqual([0x78, 0, 0, 0]);
    } finally {
      alloc.mockRestore();
    }
  });

  it('take no more bytes than was said', () => {
    fc.assert(
      fc.property(anyGroup, group => {
        const bodyBytes = group.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
        const { length } = encodeRecords(group);
        expect(length).toBeLessThanOrEqual(mostBytes(group.length, bodyBytes));
        expect(length % 8).toBe(0);
      }),
    );
  });

  it('are found behind one another, behind zeros and before what an earlier lap has left', () => {
    fc.assert(
      fc.property(fc.array(anyGroup, { maxLength: 3 }), fc.nat(5), anyStale, (groups, gap, stale) => {
        const bytes = Buffer.concat([Buffer.alloc(gap * 8), ...groups.map(encodeRecords), stale]);
        const { records, damaged } = decodeRecords(bytes);
        expect(records.filter(({ number }) => number >= 2 ** 40)).toEqual(groups.flat());
        expect(damaged).toBe(0);
      }),
    );
  });

  it('are whole or not there, at whatever byte a write was cut', () => {
    fc.assert(
      fc.property(anyGroup, anyGroup, fc.nat(), (before, torn, at) => {
        const bytes = encodeRecords(torn);
        const written = at % bytes.length;
        const found = decodeRecords(
          Buffer.concat([encodeRecords(before), bytes.fill(0, written)]), // Padded to full size by zeros.
        );
        const whole = found.records.slice(before.length);
        expect(found.records.slice(0, before.length)).toEqual(before);
        expect(torn.slice(0, whole.length)).toEqual(whole);
        expect(found.damaged).toBeLessThanOrEqual(1);
        expect(decodeRecords(Buffer.concat([encodeRecords(before), bytes.subarray(0, written)]))).toMatchObject({
          records: found.records,
        });
      }),
    );
  });

  it('lose one to a byte that has changed, at most, and it is counted', () => {
    fc.assert(
      fc.property(anyGroup, fc.nat(), fc.integer({ min: 1, max: 255 }), (group, at, change) => {
        const bytes = encodeRecords(group);
        (bytes[at % bytes.length] as number) ^= change;
        const { records, damaged } = decodeRecords(bytes);
        expect(records.length).toBeGreaterThanOrEqual(group.length - 1);
        expect(group).toEqual(expect.arrayContaining(records));
        expect(damaged).toBe(group.length - records.length);
      }),
    );
  });

  it('are not made up by what a body says', () => {
    // All of it but the magic is ASCII, so that a body can say it.
    const forged = Array.from({ length: 1000 }, (_, at) =>
      encodeRecords([{ number: 2, after: 0, body: `forged ${at}` }]),
    );
    const said = forged.find(bytes => bytes.subarray(4).every(byte => byte < 0x80)) as Buffer;
    const bytes = encodeRecords([{ number: 1, after: 0, body: `1234${said.toString('latin1')}` }]);
    (bytes[8] as number) ^= 1;
    expect(decodeRecords(bytes)).toEqual({ records: [], damaged: 1 });
  });

  it('are not whole where only the number has changed', () => {
    const bytes = encodeRecords([{ number: 5, after: 0, body: 'x' }]);
    bytes.writeDoubleLE(6, 12);
    expect(decodeRecords(bytes)).toEqual({ records: [], damaged: 1 });
  });
});
