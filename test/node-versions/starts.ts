import { join } from 'node:path';
import { startService } from '../support/service';
import { TaskClient } from '../support/task-client';
import { temporaryFolder } from '../support/temporary-folder';
import type { Installation } from './installation';

export interface Starts {
  readonly done: number;
  /** Ended by a signal that nobody sent. */
  readonly aborted: readonly string[];
  readonly failed: readonly string[];
  /** Of all that went well, from the start to the end of the process. */
  readonly medianMs: number;
}

/** A busy machine starts slowly; these only keep a run from hanging. */
const START_MS = 60_000;
const TASK_MS = 60_000;
const STOP_MS = 60_000;

/** Starts the service again and again, has a task run each time and stops it in order. */
export async function startOften(
  { node, project }: Installation,
  starts: number,
  lanes: number,
  untilMs: number,
): Promise<Starts> {
  const aborted: string[] = [];
  const failed: string[] = [];
  const times: number[] = [];
  let begun = 0;
  const lane = async (): Promise<void> => {
    const data = temporaryFolder();
    try {
      while (begun < starts && performance.now() < untilMs) {
        const number = ++begun;
        const startMs = performance.now();
        try {
          await startOnce(node, join(project, 'dist/main.js'), join(data.path, 'data'), `start-${number}`);
          times.push(performance.now() - startMs);
        } catch (fault) {
          const { message } = fault as Error;
          (/signal SIG(ABRT|SEGV|BUS|ILL|TRAP|FPE)/.test(message) ? aborted : failed).push(
            `start ${number}: ${message}`,
          );
        }
      }
    } finally {
      data.remove();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  times.sort((a, b) => a - b);
  return { done: begun, aborted, failed, medianMs: times[Math.floor(times.length / 2)] ?? NaN };
}

async function startOnce(node: string, program: string, dataDir: string, taskId: string): Promise<void> {
  const service = await startService({ node, program, deadlineMs: START_MS, env: { ORCHD_DATA_DIR: dataDir } });
  try {
    const tasks = new TaskClient(service);
    await tasks.submit({ task_id: taskId, max_tokens: 4 });
    const { events } = await tasks.read(taskId, { deadlineMs: TASK_MS });
    if (events.at(-1)?.type !== 'end') throw new Error(`the task ended with ${events.at(-1)?.text}`);
    const { code, signal } = await service.stop('SIGTERM', STOP_MS);
    if (code !== 0) throw new Error(`it stopped with exit code ${code}, signal ${signal}`);
  } finally {
    await service.stop('SIGKILL');
  }
}
