import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../../support/deadline';
import { sendRequest } from '../../support/http-client';
import { openEvents } from '../../support/sse-client';
import type { SteppingEngine } from '../engine/stepping-engine';
import { API_KEY } from '../service';

/** `submission`: a POST that finds a free slot, up to its 202. `token`: a further one, up to its reader. `end`: of the output, up to the stream's. */
export type Step = 'submission' | 'token' | 'end';

/** Does the work, and looks at what it causes. */
export type Around = (step: Step, work: () => Promise<void>) => Promise<void>;

/** Before a token that is like most others: the mark of the first one is durable by then. */
const SETTLED_MS = 20;

/** Tasks that go on a step at a time, each alone in the service. */
export class SteppedTasks {
  private readonly agent = new Agent({ keepAlive: true });
  private readonly headers = { 'X-API-Key': API_KEY };
  private readonly url: string;
  private last = 0;

  constructor(
    private readonly engine: SteppingEngine,
    port: number,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Resolves once the engine's slots are known. */
  async ready(): Promise<void> {
    const pools = () => sendRequest(this.url, this.agent, 'GET', '/v2/pools', { headers: this.headers });
    await eventually(pools, ({ text }) => /"slots_free":[1-9]/.test(text));
  }

  /** A task from its admission to the end of its stream, with `around` about each step. */
  async run(around: Around): Promise<void> {
    const { engine, url, agent, headers } = this;
    const taskId = `stepped-${++this.last}`;
    const body = { task_id: taskId, session_id: taskId, workload: 'completion', prompt: 'Tell me', max_tokens: 64 };
    await around('submission', async () => {
      const { status, text } = await sendRequest(url, agent, 'POST', '/v2/tasks', { headers, body });
      if (status !== 202) throw new Error(`the task was not accepted: ${status} ${text}`);
    });
    await engine.asked();
    const stream = await openEvents(`${url}/v2/tasks/${taskId}/events`, { headers });
    const token = async (): Promise<void> => {
      const sent = engine.sendToken();
      await stream.event(({ text }) => text.includes(sent));
    };
    // The first two are not like the others: one begins the output, the other may come while that is being made durable.
    await token();
    await token();
    await pause(SETTLED_MS);
    await around('token', token);
    await around('end', async () => {
      engine.sendEnd();
      await stream.finished();
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
