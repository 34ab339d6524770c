import { describe, expect, it } from 'vitest';
import { CreateTaskDto } from '../../tasks/admission/create-task.dto';
import { RegisterWorkerDto } from '../../workers/workers.dto';
import { noteUnknown, warningsOf } from './unknown-members';
import { DtoValidationPipe } from './validation.pipe';
import { LAST_RESORT_MS } from '../../../test/support/deadline';

const pipe = new DtoValidationPipe();
const taken = (body: object): Promise<object> =>
  pipe.transform(body, { type: 'body', metatype: CreateTaskDto }) as Promise<object>;

describe('Members that a class does not know', () => {
  it('are told, and do not get into the body', async () => {
    const body = await taken({ prompt: 'x', promt: 'y', constructor: 1, toString: 2 });
    expect(Object.keys(body)).toEqual(['prompt']);
    expect(warningsOf(body)).toEqual({
      warnings: [
        { field: 'promt', message: 'promt is not known and changes nothing. Did you mean prompt?' },
        { field: 'constructor', message: 'constructor is not known and changes nothing.' },
        { field: 'toString', message: 'toString is not known and changes nothing.' },
      ],
    });
  });

  it('are told where a body goes the long way', async () => {
    expect(warningsOf(await taken({ prompt: 'x', deadline_ms: 0.5e3, seed: null, other: 1 })).warnings).toHaveLength(1);
  });

  it('are none where all is known, or null', async () => {
    expect(warningsOf(await taken({ prompt: 'x', inputs: null, placement: { pin_pool_id: null } }))).toEqual({});
  });

  it('cost little, however many and long they are', () => {
    const sent = Object.fromEntries(Array.from({ length: 16_000 }, (_, n) => [`${n}`.padEnd(200, 'ö'), n]));
    const made = {};
    const startMs = performance.now();
    noteUnknown(CreateTaskDto, sent, made);
    const { warnings } = warningsOf(made);
    expect(performance.now() - startMs).toBeLessThan(LAST_RESORT_MS);
    expect(warnings).toHaveLength(17);
    expect(warnings?.at(-1)?.message).toBe('This and 15983 more are not known and change nothing.');
    expect(Math.max(...(warnings ?? []).map(({ field }) => field.length))).toBe(65);
  });

  it.each([
    [CreateTaskDto, { prompt: 'x', placement: { pin: 'a' } }, 'placement.pin'],
    [CreateTaskDto, { prompt: 'x', placement: { pin_pool_id: 'a', '': null } }, 'placement.'],
    [RegisterWorkerDto, { pool: 'gpu' }, 'pool'],
  ])('are refused by name where they are all there may be: %o %j', async (metatype, body, field) => {
    await expect(pipe.transform(body, { type: 'body', metatype })).rejects.toMatchObject({
      code: 'INVALID_PARAMS',
      details: { field },
    });
  });
});
