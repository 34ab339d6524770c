import { parseArgs } from 'node:util';
import { killInBatch, type BatchKillsOutcome } from './batch-kills';

/**
 * Kills the service at random moments in a batch with responses in the background beside it, by SIGKILL and then by SIGTERM, and in the end
 * holds files and counts against the lines, and the responses against what their readers were told.
 *
 * Usage: npm run test:batch-kills -- [--lines 500] [--kills 30] [--responses 20] [--seed 1] [--only SIGKILL|SIGTERM]
 */

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '500' },
    kills: { type: 'string', default: '30' },
    responses: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});

const [lines, kills, seed] = [Number(values.lines), Number(values.kills), Number(values.seed)];

async function run(signal: string): Promise<void> {
  const plan = { lines, kills, seed, responses: Number(values.responses), gently: signal === 'SIGTERM' };
  const outcome = await killInBatch(plan);
  const { batch, codes, responses } = outcome;
  const counts = batch.request_counts;
  console.log(`${signal}: ${outcome.kills} in a batch of ${lines} lines, seed ${seed}: ${batch.status}`);
  console.log(`lines in the files   ${outcome.results}, ${outcome.different} different`);
  console.log(`of them              ${outcome.completed} answers, ${outcome.failed} errors`, codes);
  console.log(`counts               ${counts.total} in all, ${counts.completed} completed, ${counts.failed} failed`);
  console.log(`runs of lines        ${outcome.runsMore} more than lines, ${outcome.ranAgain} of what was written`);
  console.log(`responses            ${responses.made}, ${responses.withReader} with a reader:`, responses.statuses);
  console.log(`runs of responses    ${responses.ranAgain} after output was seen`);
  for (const fault of responses.faults) console.log(`fault                ${fault}`);
  const right = isRight(outcome);
  console.log(right ? 'each line once, counts right, each response as it was told\n' : 'WRONG\n');
  if (!right) process.exitCode = 1;
}

function isRight(outcome: BatchKillsOutcome): boolean {
  const { batch, results, different, completed, failed, ranAgain, responses } = outcome;
  const { request_counts: counts } = batch;
  return (
    outcome.kills === kills &&
    batch.status === 'completed' &&
    results === lines &&
    different === lines &&
    counts.total === lines &&
    counts.completed === completed &&
    counts.failed === failed &&
    ranAgain === 0 &&
    responses.ranAgain === 0 &&
    responses.faults.length === 0
  );
}

async function main(): Promise<void> {
  for (const signal of ['SIGKILL', 'SIGTERM']) if (!values.only || values.only === signal) await run(signal);
}

void main();
