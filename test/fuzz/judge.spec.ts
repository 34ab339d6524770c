import { describe, expect, it } from 'vitest';
import { Random } from '../crash/random';
import { ApiDocument } from './api-document';
import type { Exchange } from './exchange';
import { Judge } from './judge';
import { textMaker } from './pattern-text';
import type { Plan } from './plan';
import { SchemaCheck } from './schema-check';
import { Values } from './values';

const document = new ApiDocument();
const check = new SchemaCheck(document);
const judge = new Judge(check);

const id = 'an-id';
const right: Exchange = {
  status: 200,
  headers: { 'content-type': 'application/json; charset=utf-8', 'x-correlation-id': id, date: 'now' },
  text: '{"version":"1","api_version":"2","node":"20"}',
  left: false,
};

function planOf(name: string, more: Partial<Plan> = {}): Plan {
  const operation = document.operations.find(each => each.name === name);
  if (!operation) throw new Error(name);
  return { operation, method: operation.method, target: operation.path, headers: {}, fits: true, plain: true, ...more };
}

const version = planOf('GET /v2/meta/version');
const refusal = (code: string, more: object = {}): string =>
  JSON.stringify({ code, message: 'm', retriable: false, correlation_id: id, ...more });

describe('The judge of a fuzz run', () => {
  it('has nothing against an answer as it is declared', () => {
    expect(judge.faultsOf(version, right)).toEqual([]);
  });

  it.each<[string, Plan, Partial<Exchange>, RegExp]>([
    ['a status that is not declared', version, { status: 202 }, /status 202 is not declared/],
    ['a fault of the service', version, { status: 500, text: refusal('INTERNAL') }, /status 500/],
    [
      'a member that is missing',
      version,
      { text: '{"version":"1","node":"20"}' },
      /must have required property 'api_version'/,
    ],
    ['a member of another type', version, { text: right.text.replace('"20"', '20') }, /node must be string/],
    [
      'a member that is not declared',
      version,
      { text: right.text.replace('}', ',"more":1}') },
      /must NOT have additional/,
    ],
    ['what is not JSON', version, { text: 'hello' }, /not JSON/],
    ['another content type', version, { headers: { ...right.headers, 'content-type': 'text/html' } }, /content type/],
    [
      'a header that is missing',
      version,
      { headers: { 'content-type': 'application/json' } },
      /no header x-correlation-id/,
    ],
    [
      'a header of another form',
      version,
      { headers: { ...right.headers, 'x-correlation-id': 'a b' } },
      /header x-corr/,
    ],
    [
      'a header that is not declared',
      version,
      { headers: { ...right.headers, 'x-more': '1' } },
      /x-more is not declared/,
    ],
    [
      'a code that is not declared',
      version,
      { status: 400, text: refusal('DEADLINE_UNMET') },
      /DEADLINE_UNMET is not decl/,
    ],
    ['a code of another status', version, { status: 400, text: refusal('INTERNAL') }, /code INTERNAL with status 400/],
    ['what fits, refused', version, { status: 400, text: refusal('INVALID_PARAMS') }, /refused, though it fits/],
    ['what does not fit, taken', { ...version, fits: false }, {}, /status 200, though it does not fit/],
    ['another status than must come', { ...version, expected: [401] }, {}, /status 200, not 401/],
    [
      'another correlation id than was sent',
      { ...version, headers: { 'X-Correlation-Id': 'mine' } },
      {},
      /correlation id an-id, not mine/,
    ],
  ])('sees %s', (_, plan, answer, fault) => {
    expect(judge.faultsOf(plan, { ...right, ...answer }).join('\n')).toMatch(fault);
  });

  it('knows what no schema can say', () => {
    const answer = { ...right, status: 400, text: refusal('INVALID_PARAMS', { field: 'placement.avoid_pools' }) };
    expect(judge.faultsOf(planOf('POST /v2/tasks'), answer)).toEqual([]);
  });
});

describe('What a fuzz run sends', () => {
  const bodies = document.operations.flatMap(({ name, body }) => (body ? [{ name, schema: body.schema }] : []));

  it.each(bodies)('to $name keeps to the schema, or does not where it is to be wrong', ({ schema }) => {
    const values = new Values(document, new Random(7), () => undefined);
    const made = Array.from({ length: 300 }, () => values.make(schema).value);
    expect(made.filter(value => !check.takes(schema, value))).toEqual([]);
    const wrong = Array.from({ length: 300 }, () => check.takes(schema, values.makeWrong(schema)));
    const isAnyJson = document.resolved(schema).type === undefined && !schema.oneOf;
    expect(wrong.filter(fits => !fits).length).toBeGreaterThan(isAnyJson ? -1 : 100);
  });

  it('matches the patterns of the document', () => {
    const random = new Random(7);
    const patterns = new Set(JSON.stringify(document.root).match(/(?<="pattern":")(?:[^"\\]|\\.)*(?=")/g));
    expect(patterns.size).toBeGreaterThan(8);
    for (const pattern of [...patterns].map(text => JSON.parse(`"${text}"`) as string)) {
      const make = textMaker(pattern);
      for (let n = 0; n < 200; n++) expect(make(random)).toMatch(new RegExp(pattern, 'u'));
    }
  });
});
