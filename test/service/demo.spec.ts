import { resolve } from 'node:path';
import OpenAI from 'openai';
import { expect, it } from 'vitest';
import { Child } from '../support/child';
import { LAST_RESORT_MS } from '../support/deadline';

const root = resolve(__dirname, '../..');

it('the demo says what a client needs, and a client that is told so is answered', { timeout: 120_000 }, async () => {
  const args = ['-r', './tools/sources.cjs', resolve(root, 'tools/demo.ts'), '--stay'];
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' };
  const demo = new Child({ args, env, cwd: root });
  try {
    const told = async (what: string) => {
      const line = await demo.line(each => each.startsWith(`  ${what} `), LAST_RESORT_MS, `waiting for the ${what}`);
      return line.slice(what.length + 2).trim();
    };
    const [baseURL, apiKey, model] = [await told('base URL'), await told('API key'), await told('model')];
    const shown = demo.lines.find(line => line.startsWith('→ 200 '))?.slice('→ 200 '.length) ?? '{}';
    expect(JSON.parse(shown)).toMatchObject({ object: 'chat.completion', model, usage: { completion_tokens: 12 } });
    const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
    const chat = await client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: 3,
    });
    expect(chat.choices[0]?.message.content).toMatch(/\S/);
  } finally {
    const { code } = await demo.stop('SIGTERM', LAST_RESORT_MS);
    expect(code).toBe(0);
  }
});

it('the demo of several nodes that has no server to show them on says how to get one, and fails', async () => {
  const args = ['-r', './tools/sources.cjs', resolve(root, 'tools/demo-nodes.ts')];
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ORCHD_TEST_REDIS_SERVER: '/nowhere' };
  const demo = new Child({ args, env, cwd: root });
  expect(await demo.exited).toMatchObject({ code: 1 });
  expect(demo.errors.join()).toMatch(/there is no redis-server or valkey-server.*apt-get install redis-server/);
});
