import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { npmRuntime, pythonRuntime, type Runtime } from './installation';
import { startStage, wires, type Stage } from './stage';

/**
 * Official clients of OpenAI's API that need a newer Node than the project, or Python, against the built service. They are fetched into
 * `.runtime/clients` the first time; what cannot be had is skipped, and named. Exit code 1 where a case failed.
 *
 * Every answer of OpenAI's and Anthropic's APIs that a client is given is held against the schemas of that API; what is wrong there is a failure.
 *
 * Usage: npm run test:clients -- [NAME…], where a name is one of `scripts`
 */

const scripts = [
  ...['openai', 'openai-responses', 'openai-batches', 'ai-sdk', 'ai-sdk-responses', 'ai-sdk-anthropic', 'langchain'],
  ...['agents', 'agents-responses', 'anthropic', 'ollama', 'python', 'python-newer'],
];
/** All cases of one client, on all wires. */
const SCRIPT_MS = 180_000;

interface Outcome {
  readonly passed: number;
  readonly failed: readonly string[];
}

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter(name => !scripts.some(script => script === name));
  if (unknown.length > 0) throw new Error(`there is no client ${unknown.join(', ')}; there are: ${scripts.join(', ')}`);
  const wanted = scripts.filter(script => asked.length === 0 || asked.includes(script));
  const isPython = (script: string): boolean => script.startsWith('python');
  const none: Runtime = { missing: '' };
  const npm = wanted.some(script => !isPython(script)) ? await npmRuntime() : none;
  const python = wanted.some(isPython) ? await pythonRuntime() : none;
  const stage = await startStage();
  try {
    for (const script of wanted) {
      const runtime = isPython(script) ? python : npm;
      if ('missing' in runtime) say(`${script}: skipped: ${runtime.missing}`);
      else report(script, await runScript(script, isPython(script) ? `${script}.py` : `${script}.mjs`, runtime, stage));
    }
    say(`${stage.proxy.looked} answers were held against their schemas`);
  } finally {
    await stage.stop();
  }
}

function runScript(
  name: string,
  file: string,
  runtime: Exclude<Runtime, { missing: string }>,
  stage: Stage,
): Promise<Outcome> {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    BASE_URL: `${stage.proxy.url}/v1`,
    API_KEY: stage.apiKey,
    WIRES: wires.join(','),
    // Python's scripts run where they are: nothing is left beside them.
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const child = spawn(runtime.program, [join(runtime.folder, file)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: SCRIPT_MS,
  });
  let passed = 0;
  const failed: string[] = [];
  createInterface({ input: child.stdout }).on('line', line => {
    if (line.startsWith('ok ')) passed++;
    else if (line.startsWith('not ok ')) failed.push(line.slice('not ok '.length));
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code !== 0) failed.push(`${name} ended with ${code ?? signal}`);
      failed.push(...new Set(stage.proxy.takeFaults()));
      resolve({ passed, failed });
    });
  });
}

function report(script: string, { passed, failed }: Outcome): void {
  say(`${script}: ${passed} passed, ${failed.length} failed`);
  for (const failure of failed) say(`  ${failure}`);
  if (failed.length > 0 || passed === 0) process.exitCode = 1;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
