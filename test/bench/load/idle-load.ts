import { Connection } from './connection';
import { exchange } from './exchange';
import type { IdleJob } from './job';
import { admissionRequest, eventsRequest, WAITING_DEADLINE_MS } from './requests';

/** Requests at a time: no rush of connections that a listener's backlog would not hold. */
const AT_A_TIME = 32;
const TOKENS = 256;

const held: Connection[] = [];

/** Rejects where a task is not accepted or a stream not opened; a held stream that breaks ends the process. */
export async function idleLoad(job: IdleJob): Promise<object> {
  switch (job.step) {
    case 'submit':
      await submit(job);
      break;
    case 'hold':
      await each(job.count, number => hold(job, number));
      break;
    case 'release':
      for (const connection of held.splice(0)) connection.close();
  }
  return {};
}

async function submit({ port, apiKey, name, count }: IdleJob): Promise<void> {
  const connections = Array.from({ length: AT_A_TIME }, () => new Connection(port));
  await each(count, async (number, worker) => {
    const taskId = `${name}-${number}`;
    const request = admissionRequest(apiKey, taskId, `s-${taskId}`, TOKENS, WAITING_DEADLINE_MS);
    const { status, text } = await exchange(connections[worker] as Connection, request);
    if (status !== 202) throw new Error(`an admission was answered ${status} ${text}`);
  });
  for (const connection of connections) connection.close();
}

/** Resolves with the head of the response; the rest is read and left alone. */
function hold({ port, apiKey, name }: IdleJob, number: number): Promise<void> {
  const connection = new Connection(port);
  held.push(connection);
  return new Promise((resolve, reject) => {
    const broken = (cause: Error): void => {
      reject(cause);
      throw new Error('an idle stream broke', { cause });
    };
    connection.send(eventsRequest(apiKey, `${name}-${number}`), {
      head: status => (status === 200 ? resolve() : reject(new Error(`a stream was answered ${status}`))),
      body: () => undefined,
      end: () => broken(new Error('it ended')),
      broken,
    });
  });
}

async function each(count: number, work: (number: number, worker: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (_: unknown, index: number): Promise<void> => {
    while (next < count) await work(next++, index);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}
