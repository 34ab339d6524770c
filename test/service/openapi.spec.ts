import type { OpenAPIObject } from '@nestjs/swagger';
import Ajv from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildOpenApi } from '../../src/http/documents/openapi';
import { createInProcess } from '../support/in-process';

type Node = Readonly<Record<string, unknown>>;

let document: OpenAPIObject;
/** Every object in the document, by the path that leads to it. */
const nodes: { readonly at: string; readonly node: Node }[] = [];

beforeAll(async () => {
  const service = await createInProcess();
  document = JSON.parse(JSON.stringify(await buildOpenApi(service.app))) as OpenAPIObject;
  await service.close();
  collect(document, '#');
});

function collect(value: unknown, at: string): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) nodes.push({ at, node: value as Node });
  for (const [name, member] of Object.entries(value)) {
    if (name !== 'example') collect(member, `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  }
}

const isSentence = (text: unknown): boolean => typeof text === 'string' && /\S{2}/.test(text);

const withMember = (name: string) => nodes.filter(({ node }) => typeof node[name] === 'string');

describe('the OpenAPI document', () => {
  it('refers to nothing that is not there', () => {
    const places = new Set(nodes.map(({ at }) => at));
    const refs = withMember('$ref');
    expect(refs.length).toBeGreaterThan(50);
    expect(refs.filter(({ node }) => !places.has(node['$ref'] as string))).toEqual([]);
  });

  it('describes every member, parameter and answer', () => {
    const members = nodes.filter(({ at }) => /\/schemas\/[^/]+\/properties\/[^/]+$/.test(at));
    const parameters = nodes.filter(({ at }) => /\/parameters\/\d+$/.test(at));
    const answers = nodes.filter(({ at }) => /\/responses\/[^/]+$/.test(at));
    const all = [...members, ...parameters, ...answers].filter(({ node }) => node['$ref'] === undefined);
    expect(all.length).toBeGreaterThan(200);
    expect(all.filter(({ node }) => !isSentence(node['description'])).map(({ at }) => at)).toEqual([]);
  });

  it('bounds what stands in paths, and every cursor', () => {
    const bounded = nodes.filter(({ node }) => node['in'] === 'path' || node['name'] === 'cursor');
    expect(bounded.length).toBeGreaterThan(20);
    expect(bounded.filter(({ node }) => !/^\^.*\$$/.test(String((node['schema'] as Node)['pattern'])))).toEqual([]);
  });

  it('has patterns that the expressions of every language know', () => {
    // No classes by property or by name, which differ or are missing; no looking around; no escape that is not everywhere.
    const elsewhere = /\\[pPsSdDwWbBuUkKzZAG]|\(\?|\\\//;
    const patterns = withMember('pattern');
    expect(patterns.length).toBeGreaterThan(30);
    expect(patterns.filter(({ node }) => elsewhere.test(node['pattern'] as string))).toEqual([]);
  });

  it('has no null where OpenAPI 3.0 does not take it', () => {
    const odd = nodes.filter(({ node }) => node['nullable'] === true && (node['type'] === undefined || '$ref' in node));
    const enums = nodes.filter(({ node }) => Array.isArray(node['enum']));
    expect(odd.map(({ at }) => at)).toEqual([]);
    for (const { at, node } of enums) {
      expect([at, (node['enum'] as unknown[]).includes(null)]).toEqual([at, node['nullable'] === true]);
    }
  });

  it('has examples that keep to its schemas', () => {
    const ajv = new Ajv({ strict: false, formats: { int64: true } });
    ajv.addSchema(document, 'api');
    const examples = nodes.filter(({ node }) => node['example'] !== undefined);
    expect(examples.length).toBeGreaterThan(8);
    for (const { at, node } of examples) {
      const pointer = at.split('/').map(encodeURIComponent).join('/').replace('%23', '#');
      const isKept = ajv.validate({ $ref: `api${pointer}` }, node['example']);
      expect([at, isKept, ajv.errorsText()]).toEqual([at, true, 'No errors']);
    }
  });

  it('names the answers that any request can get', () => {
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations) as [
        string,
        { responses: Node; security?: unknown },
      ][]) {
        const expected = ['400', '403', '408', '431', '500'];
        if (operation.security === undefined) expected.push('401');
        if (method !== 'get') expected.push('413', '415');
        if (path.includes('{')) expected.push('414');
        expect([method, path, Object.keys(operation.responses)]).toEqual([
          method,
          path,
          expect.arrayContaining(expected),
        ]);
      }
    }
  });
});
