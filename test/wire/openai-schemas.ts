import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';

/**
 * The schemas of OpenAI's specification (openai/openai-openapi, August 2026, MIT) that concern requests, answers and chunks of chats,
 * completions and embeddings, lists of models and errors, responses with their events, files and
 * batches, less what only explains.
 */
const schemas = Object.assign(
  {},
  ...['openai.json', 'openai-responses.json'].map(
    name => JSON.parse(readFileSync(resolve(__dirname, 'schemas', name), 'utf8')) as Record<string, object>,
  ),
) as Record<string, object>;
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema({ $id: 'openai', components: { schemas } });

/** What is wrong with a value by the schema of this name; empty where nothing is. */
export function faultsOf(name: string, value: unknown): readonly string[] {
  const validate = ajv.getSchema(`openai#/components/schemas/${name}`);
  if (!validate) throw new Error(`there is no schema ${name}`);
  return validate(value) === true
    ? []
    : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
}

/** The same of an event of a response's stream, by the schema of its type. */
export function faultsOfEvent(event: { readonly type: string }): readonly string[] {
  const name = Object.entries(schemas).find(([each, schema]) => {
    const { properties } = schema as {
      readonly properties?: { readonly type?: { readonly enum?: readonly unknown[] } };
    };
    return each.endsWith('Event') && properties?.type?.enum?.[0] === event.type;
  })?.[0];
  return name === undefined ? [`there is no event ${event.type}`] : faultsOf(name, event);
}
