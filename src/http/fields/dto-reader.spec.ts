import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { IsString, validateSync, type ValidationError } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../test/crash/random';
import { CreateModelDto } from '../../catalog/catalog.dto';
import { DrainDto, PurgeDto, ReloadDto } from '../../pools/pools.dto';
import { CreateTaskDto } from '../../tasks/admission/create-task.dto';
import { RegisterWorkerDto } from '../../workers/workers.dto';
import { knownOf, readDto, type DtoClass } from './dto-reader';
import { IdField, TextField } from './fields';

interface Judged {
  readonly made: object;
  /** Of each field at fault. */
  readonly faults: readonly unknown[];
}

/** As class-transformer and class-validator have it, which know nothing of our ways. */
function reference(dto: DtoClass, body: object): Judged {
  const made = plainToInstance(dto, withoutNulls(body));
  return judged(made, validateSync(made, { whitelist: true, stopAtFirstError: true }));
}

/** As the validation pipe has it where the short way does not apply. */
function longWay(dto: DtoClass, body: object): Judged {
  const made = knownOf(dto, body);
  return judged(made, validateSync(made, { stopAtFirstError: true }));
}

function judged(made: object, errors: readonly ValidationError[]): Judged {
  const faultOf = ({ property, constraints, children }: ValidationError): unknown => ({
    property,
    message: Object.values(constraints ?? {})[0],
    ...(constraints === undefined && { children: children?.map(faultOf) }),
  });
  return { made, faults: errors.map(faultOf) };
}

/** A null is "not given", also of what is nested. */
function withoutNulls(body: object): object {
  const members = Object.entries(structuredClone(body) as Record<string, unknown>).filter(
    ([, value]) => value !== null,
  );
  const isNested = (value: unknown): value is object => typeof value === 'object' && !Array.isArray(value);
  return Object.fromEntries(members.map(([name, value]) => [name, isNested(value) ? withoutNulls(value) : value]));
}

const valid: Readonly<Record<string, readonly unknown[]>> = {
  task_id: ['a', 'A.b:c-d_9', 'x'.repeat(128)],
  session_id: ['s'],
  workload: ['completion'],
  model_ref: ['m', 'modèle', 'm'.repeat(256)],
  engine: ['llamacpp'],
  ctx: [0, 4096],
  priority: ['interactive', 'batch'],
  prompt: ['', 'Say hello.', '\u{1F600}', '\ud800'],
  inputs: ['a', ['a', 'b'], []],
  max_tokens: [1, 1_048_576],
  deadline_ms: [-1, 0, 600_000],
  temperature: [0, 0.7, 1e2],
  stop: [[], ['\n', '\u{1F600}']],
  placement: [{}, { pin_pool_id: 'p', prefer_pools: ['a'], avoid_pools: null }],
  on_disconnect: ['cancel', 'continue'],
  pool_id: ['p'],
  replica_id: ['r'],
  url: ['http://127.0.0.1:8080', 'http://häuser.example/'],
  ttl_ms: [1000],
  slots_total: [4],
  id: ['m'],
  digest: ['sha256:' + 'a'.repeat(64)],
  source_url: ['http://example.org/m'],
  new_model_ref: ['m'],
};
/** What JSON can hold, so no undefined and no NaN. */
const odd: readonly unknown[] = [
  null,
  '',
  ' ',
  '-a',
  'x'.repeat(300),
  '\u{1F600}'.repeat(200),
  '\ufe0f',
  -1,
  1.5,
  1e300,
  true,
  [],
  [1],
  [null],
  {},
  { pin_pool_id: 7 },
  { prefer_pools: ['a', 'b c'] },
  Array.from({ length: 300 }, () => 'x'),
];

describe('readDto', () => {
  const random = new Random(7);
  const pick = <T>(values: readonly T[]): T => values[random.below(values.length)] as T;
  const names = [...Object.keys(valid), 'unknown', 'constructor', 'toString'];
  const body = (): object =>
    Object.fromEntries(
      names
        .filter(() => random.below(3) === 0)
        .map(name => [name, random.below(8) === 0 ? pick(odd) : pick(valid[name] ?? odd)]),
    );

  it.each([CreateTaskDto, RegisterWorkerDto, CreateModelDto, PurgeDto, ReloadDto, DrainDto])(
    'gives for %o what the long way gives, or leaves it to that',
    dto => {
      let taken = 0;
      for (let n = 0; n < 3000; n++) {
        const given = body();
        const expected = reference(dto, given);
        const long = longWay(dto, given);
        expect({ given, faults: long.faults }).toEqual({ given, faults: expected.faults });
        if (expected.faults.length === 0) expect(long.made).toEqual(expected.made);
        const made = readDto<object>(dto, given);
        if (made === undefined) continue;
        taken++;
        expect({ given, made, faults: [] }).toEqual({ given, ...expected });
        expect(made).toBeInstanceOf(dto);
        expect(Object.keys(made).sort()).toEqual(Object.keys(expected.made).sort());
      }
      expect(taken).toBeGreaterThan(dto === CreateTaskDto ? 300 : 0);
    },
  );

  it('takes the body of a usual task the short way', () => {
    const given = {
      task_id: 't-1',
      session_id: 's-1',
      model_ref: 'llama-3-8b',
      priority: 'batch',
      prompt: 'Größe? \u{1F600}',
      max_tokens: 300,
      temperature: 0.2,
      stop: ['\n\n'],
      placement: { pin_pool_id: 'default' },
    };
    expect(readDto(CreateTaskDto, { ...given, unknown: 1 })).toMatchObject(given);
  });

  it('leaves a class to the long way that has a check without a rule', () => {
    class Half {
      @IdField({ description: 'known' })
      id!: string;

      @IsString()
      other!: string;
    }
    expect(readDto(Half, { id: 'a', other: 'b' })).toBeUndefined();
  });

  it('does not take an inherited member for a given one', () => {
    class Odd {
      @TextField({ description: 'a name that objects have', maxLength: 10 })
      toLocaleString!: () => string;
    }
    expect(readDto(Odd, {})).toBeUndefined();
  });
});
