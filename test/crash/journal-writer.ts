import 'reflect-metadata';
import { writeSync } from 'node:fs';
import { eventsOf } from '../contracts/journal-samples';
import { taskIdOf, workload } from './journal-workload';
import { journalOn } from './open-journal';

/**
 * A process to be killed: applies the workload to the journal in a data folder, several steps at once, and says on standard
 * output how far it is, `issued N` before step N goes out and `acked N` once it is durable.
 *
 * Usage: journal-writer <data folder> <tasks> <steps in flight> <pause in ms after the last step>
 */
async function main(): Promise<void> {
  const [dataDir = '', tasks = '0', inFlight = '1', pauseMs = '0'] = process.argv.slice(2);
  const { journal } = journalOn(dataDir);
  await journal.recover();
  say('open');
  const steps = workload(Number(tasks));
  const pending: Promise<void>[] = [];
  for (const [at, step] of steps.entries()) {
    if (pending.length === Number(inFlight)) await pending.shift();
    say(`issued ${at + 1}`);
    pending.push(step.apply(journal).then(() => say(`acked ${at + 1}`)));
    if (step.what === 'mark') journal.copyEvents(step.taskId, 1, eventsOf(3));
  }
  await Promise.all(pending);
  say(`done ${taskIdOf(0)}`);
  await new Promise(resolve => setTimeout(resolve, Number(pauseMs)));
  await journal.close();
}

/** At once, past any buffer that a kill would take along; a reader who is slow is waited for. */
function say(line: string): void {
  for (let rest = Buffer.from(`${line}\n`); rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EAGAIN') throw thrown;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

void main();
