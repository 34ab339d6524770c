import { apiOf } from '../../src/http/documents/api-of-path';
import type { Random } from '../crash/random';
import type { Operation } from './api-document';
import type { Plan } from './plan';

/** Past the limit that the service under test is started with. */
export const BODY_LIMIT_BYTES = 64 * 1024;
const JSON_TYPE = { 'Content-Type': 'application/json' };

type Fault = (plan: Plan, random: Random) => Plan;

/** Makes of a right request one that fails, or is answered, before a schema is asked. */
export function transportFaults(operation: Operation, apiKey: string): readonly Fault[] {
  const { method, credential, parameters, body } = operation;
  // Whether there is such a path is told to nobody without a key.
  const withKey =
    (fault: Fault): Fault =>
    (plan, random) =>
      fault({ ...plan, headers: { ...less(plan, 'Content-Type'), 'X-API-Key': apiKey }, body: undefined }, random);
  return [
    ...(credential === 'none' ? [] : [withoutCredential, withWrongCredential]),
    ...(method === 'GET' || body?.isForm === true ? [] : bodyFaults),
    ...(parameters.some(parameter => parameter.in === 'path') ? pathFaults : []),
    withKey((plan, random) => ({ ...plan, method: random.pick(['PUT', 'PATCH']), expected: [405] })),
    withKey(plan => ({ ...plan, method: 'OPTIONS', expected: [204] })),
  ];
}

const withBody = (
  body: string,
  expected: readonly number[],
  headers: Readonly<Record<string, string>> = JSON_TYPE,
): Fault => {
  return plan => ({ ...plan, body, headers: { ...less(plan, 'Content-Type'), ...headers }, expected });
};

const bodyFaults: readonly Fault[] = [
  withBody('{"a":', [400]),
  withBody('{"a":1}}', [400]),
  withBody("{'a':1}", [400]),
  withBody('NaN', [400]),
  withBody('{"__proto__":{"a":1}}', [400]),
  withBody('['.repeat(65) + ']'.repeat(65), [400]),
  withBody('{"a":'.repeat(65) + '1' + '}'.repeat(65), [400]),
  withBody(JSON.stringify({ a: 'x'.repeat(BODY_LIMIT_BYTES) }), [413]),
  withBody('a=1', [415], { 'Content-Type': 'application/x-www-form-urlencoded' }),
  withBody('{}', [415], { 'Content-Type': 'text/plain' }),
  withBody('{}', [415], {}),
  withBody('{}', [415], { ...JSON_TYPE, 'Content-Encoding': 'gzip' }),
  withBody('{}', [415], { 'Content-Type': 'application/xml' }),
];

const pathFaults: readonly Fault[] = [
  plan => ({ ...plan, target: withParameter(plan.operation, 'x'.repeat(1100)), expected: [414] }),
  plan => ({ ...plan, target: withParameter(plan.operation, '%zz'), expected: [400] }),
  plan => ({ ...plan, target: withParameter(plan.operation, '%ff'), expected: [400] }),
];

const withoutCredential: Fault = plan => ({
  ...plan,
  headers: less(plan, 'X-API-Key', 'Authorization'),
  expected: [401],
});

const withWrongCredential: Fault = plan => ({
  ...plan,
  headers: {
    ...less(plan, 'X-API-Key', 'Authorization'),
    ...(plan.operation.credential === 'key' ? { 'X-API-Key': 'wrong' } : { Authorization: 'Bearer wrong' }),
  },
  expected: [plan.operation.credential === 'key' && apiOf(plan.operation.path) === 'own' ? 403 : 401],
});

function less({ headers }: Plan, ...names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}

function withParameter({ path }: Operation, text: string): string {
  return path.replace(/\{[^}]+\}/g, () => text);
}
