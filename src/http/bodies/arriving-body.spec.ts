import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServiceError } from '../../errors/service-error';
import { ArrivingBody } from './arriving-body';
import { BodyRoom, SMALL_BODY_BYTES } from './body-room';

interface Outcome {
  readonly refusal: ServiceError | undefined;
  readonly bytes: Buffer;
  readonly body: ArrivingBody;
}

/** What becomes of these pieces; `end` tells whether the client stays until the last one. */
async function arrive(pieces: readonly Buffer[], limitBytes: number, room: BodyRoom, end = true): Promise<Outcome> {
  const request = Object.assign(new PassThrough(), { headers: {} });
  const outcome = new Promise<Outcome>(resolve => {
    const body = new ArrivingBody(request as unknown as IncomingMessage, limitBytes, room, (refusal, bytes) =>
      resolve({ refusal, bytes, body }),
    );
    body.start();
  });
  for (const piece of pieces) request.write(piece);
  if (end) request.end();
  else request.destroy();
  return outcome;
}

const roomy = (): BodyRoom => new BodyRoom(Infinity);

describe('a body that arrives', () => {
  it('is what was sent, in whatever pieces', async () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(pieces, async parts => {
        const sent = parts.map(part => Buffer.from(part));
        const before = Buffer.concat(sent);
        const { refusal, bytes } = await arrive(sent, 10_000, roomy());
        expect([refusal, bytes]).toEqual([undefined, before]);
        expect(Buffer.concat(sent)).toEqual(before);
      }),
    );
  });

  it('keeps a single piece as it is', async () => {
    const piece = Buffer.from('{}');
    expect((await arrive([piece], 100, roomy())).bytes).toBe(piece);
  });

  it('past its limit is refused, and has taken no more room than the limit', async () => {
    const room = roomy();
    const { refusal, body } = await arrive([Buffer.alloc(60), Buffer.alloc(60)], 100, room);
    expect(refusal).toMatchObject({ code: 'BODY_TOO_LARGE', message: 'the body must have at most 100 bytes' });
    expect([body.heldBytes, room.held]).toEqual([60, 60]);
  });

  it('for which there is no room is refused, and may come again', async () => {
    const { refusal, body } = await arrive([Buffer.alloc(60), Buffer.alloc(60)], 1000, new BodyRoom(100));
    expect(refusal).toMatchObject({ code: 'INTAKE_FULL', retriable: true, details: { retryAfterMs: 1000 } });
    expect(body.heldBytes).toBe(60);
  });

  it('that breaks off is over', async () => {
    expect((await arrive([Buffer.alloc(10)], 100, roomy(), false)).refusal).toMatchObject({
      message: 'the body broke off',
    });
  });
});

describe('the room for bodies', () => {
  it('has an eighth that large bodies leave to small ones', () => {
    const room = new BodyRoom(16 * SMALL_BODY_BYTES);
    expect(room.take(14 * SMALL_BODY_BYTES, 14 * SMALL_BODY_BYTES)).toBe(true);
    expect(room.take(1, 2 * SMALL_BODY_BYTES)).toBe(false);
    expect(room.take(2 * SMALL_BODY_BYTES, SMALL_BODY_BYTES)).toBe(true);
    expect(room.take(1, 1)).toBe(false);
    room.giveBack(SMALL_BODY_BYTES);
    expect(room.take(1, 1)).toBe(true);
    expect(room.held).toBe(15 * SMALL_BODY_BYTES + 1);
  });
});
