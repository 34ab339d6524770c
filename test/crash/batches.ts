import { parseArgs } from 'node:util';
import { killInBatch } from './batch-kills';

/**
 * Kills the service at random moments in a batch, and in the end holds its files and counts against its lines.
 *
 * Usage: npm run test:batch-kills -- [--lines 500] [--kills 30] [--seed 1] [--gently]
 */

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '500' },
    kills: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    gently: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const [lines, kills, seed] = [Number(values.lines), Number(values.kills), Number(values.seed)];
  const outcome = await killInBatch({ lines, kills, seed, gently: values.gently });
  const { batch, results, different, completed, failed, codes, runsMore } = outcome;
  const counts = batch.request_counts;
  console.log(`${outcome.kills} kills in a batch of ${lines} lines, seed ${seed}: ${batch.status}`);
  console.log(`lines in the files   ${results}, ${different} different; ${completed} answers, ${failed} errors`, codes);
  console.log(`counts               ${counts.total} in all, ${counts.completed} completed, ${counts.failed} failed`);
  console.log(`runs of the engine   ${runsMore} more than lines`);
  const isRight =
    batch.status === 'completed' &&
    results === lines &&
    different === lines &&
    counts.total === lines &&
    counts.completed === completed &&
    counts.failed === failed;
  console.log(isRight ? 'each line once, counts right' : 'WRONG');
  if (!isRight) process.exitCode = 1;
}

void main();
