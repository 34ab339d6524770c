import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder';
import { ConfigError, loadConfig } from './config';

function faultOf(aliases: string): string {
  try {
    loadConfig({ ORCHD_MODEL_ALIASES: aliases });
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}
const aliasesOf = (aliases: string): object =>
  Object.fromEntries(loadConfig({ ORCHD_MODEL_ALIASES: aliases }).config.modelAliases ?? []);

const example = '{"gpt-4o": ["qwen3-32b", "small@pool-b"], "fast": "small"}';
const chains = {
  'gpt-4o': [{ model: 'qwen3-32b' }, { model: 'small', poolId: 'pool-b' }],
  fast: [{ model: 'small' }],
};

describe('aliases of models', () => {
  it('are none unless they are set', () => {
    expect(loadConfig({}).config.modelAliases).toBeUndefined();
  });

  it('stand in the setting, or in a file', () => {
    expect(aliasesOf(example)).toEqual(chains);
    const folder = temporaryFolder();
    onTestFinished(() => folder.remove());
    const file = join(folder.path, 'aliases.json');
    writeFileSync(file, example);
    expect(aliasesOf(file)).toEqual(chains);
  });

  it('take an @ for a pool only where one follows it', () => {
    expect(aliasesOf('{"a": ["@cf/meta/llama", "org@v2/model", "a@p"]}')).toEqual({
      a: [{ model: '@cf/meta/llama' }, { model: 'org@v2/model' }, { model: 'a', poolId: 'p' }],
    });
  });

  it.each([
    ['/no/such/file', 'a file that can be read, which it cannot (ENOENT)'],
    ['{"a": ', 'JSON, which it is not'],
    ['{"a": []}', '1 to 16 models, but "a" has 0'],
    [JSON.stringify({ a: Array(17).fill('m') }), 'but "a" has 17'],
    ['{"a": [5]}', 'one at "a" is not'],
    ['{"": "m"}', 'one at "" is not'],
    ['{"a": "m\\u0000"}', 'one at "a" is not'],
    [JSON.stringify({ a: 'x'.repeat(257) }), 'names of 1 to 256 characters'],
    ['{"a": "b", "b": "c"}', '"a" names "b", which is an alias itself'],
    [JSON.stringify(Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`a${n}`, 'm']))), 'at most 1000 names'],
  ])('are refused at the start with what is wrong: %.60s (B-CFG-025)', (aliases, wrong) => {
    const fault = faultOf(aliases);
    expect(fault).toContain('ORCHD_MODEL_ALIASES is malformed: expected {"alias":');
    expect(fault).toContain(wrong);
  });
});
