import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';

/**
 * The schemas of OpenAI's specification (openai/openai-openapi, August 2026, MIT) that concern requests, answers and chunks of chats,
 * completions and embeddings, lists of models and errors, less what only explains.
 */
const schemas = JSON.parse(readFileSync(resolve(__dirname, 'schemas/openai.json'), 'utf8')) as Record<string, object>;
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
