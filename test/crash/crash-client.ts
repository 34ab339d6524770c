import type { RunningEngine } from '../engine/engine';
import { eventually, withDeadline } from '../support/deadline';
import type { RunningService } from '../support/service';
import { openEvents } from '../support/sse-client';
import type { SseStream } from '../support/sse-stream';
import { CopiesWatch } from './copies-watch';
import type { Random } from './random';
import { TrackedTask } from './tracked-task';

/** Submits tasks and reads their streams over the lives of a service, and remembers all that it was told. */
export class CrashClient {
  readonly tasks = new Map<string, TrackedTask>();
  /** By task that a kill has interrupted: until when what its reader had received was copied, at the last of them. */
  private readonly copiedMs = new Map<string, number>();
  private readonly readings = new Set<Promise<void>>();
  private service: RunningService | undefined;
  private copies: CopiesWatch | undefined;

  constructor(
    private readonly engine: RunningEngine,
    private readonly random: Random,
  ) {}

  /** Works with this process of the service from now on. */
  use(service: RunningService): void {
    this.service = service;
    this.copies = new CopiesWatch(service);
  }

  /** Submits a task of a random kind; follows its stream where it has a reader. Never rejects: the service may be killed meanwhile. */
  async submit(id: string): Promise<void> {
    const body = {
      task_id: id,
      prompt: promptOf(id),
      priority: this.random.next() < 0.7 ? 'interactive' : 'batch',
      max_tokens: 1 + this.random.below(80),
      deadline_ms: 600_000,
      on_disconnect: 'continue',
      sampling: { seed: 1 },
      ...(this.random.next() < 0.5 && { session_id: `session-${this.random.below(5)}` }),
    };
    const task = new TrackedTask(id, body, this.random.next() < 0.7);
    this.tasks.set(id, task);
    await this.offer(task);
  }

  /** After a start: offers again what got no answer, and goes on reading. Resolves to the tasks that are gone. */
  async resume(): Promise<string[]> {
    const lost: string[] = [];
    for (const task of this.tasks.values()) {
      if (!task.acknowledged) await this.offer(task);
      else if (!(await this.isKnown(task))) lost.push(task.id);
      else if (task.hasReader && !task.ended) this.follow(task);
    }
    return lost;
  }

  /** To be called right after a kill, before the next start. */
  async killed(): Promise<void> {
    await Promise.allSettled(this.readings);
    const copiedMs = this.copies?.end() ?? -Infinity;
    const runs = this.runs();
    for (const task of this.tasks.values()) {
      if (task.ended) continue;
      this.copiedMs.set(task.id, Math.max(copiedMs, this.copiedMs.get(task.id) ?? copiedMs));
      if (task.tokensSeen > 0) task.runsWhenShown = runs.get(task.id) ?? 0;
    }
  }

  /** Reads every stream from its start, once all have ended, and judges each. */
  async judgeAll(deadlineMs: number): Promise<void> {
    this.copies?.end();
    await withDeadline(
      Promise.all(this.readings),
      deadlineMs,
      () => 'readers wait for the ends of their streams',
    ).catch(() => undefined);
    const waiting = [...this.tasks.values()].filter(({ acknowledged }) => acknowledged);
    for (const task of waiting) {
      const stream = await this.open(task);
      try {
        if (stream.status !== 200) {
          task.faults.push(`its stream answers ${stream.status}`);
          continue;
        }
        await stream.finished(deadlineMs);
        task.judge(stream.reading().events, this.copiedMs.get(task.id));
      } catch (fault) {
        task.faults.push(`its stream did not end: ${String(fault).slice(0, 200)}`);
      } finally {
        stream.close();
      }
    }
  }

  /** Tasks that ran again although a token of them had been shown. */
  ranTwice(): string[] {
    const runs = this.runs();
    return [...this.tasks.values()]
      .filter(({ id, runsWhenShown }) => runsWhenShown !== undefined && (runs.get(id) ?? 0) > runsWhenShown)
      .map(({ id }) => id);
  }

  /** By task, how often the engine was asked to run it. */
  private runs(): Map<string, number> {
    const runs = new Map<string, number>();
    for (const { body } of this.engine.stats().requests) {
      const prompt = (body as { prompt?: unknown }).prompt;
      const id = typeof prompt === 'string' ? idIn(prompt) : undefined;
      if (id !== undefined) runs.set(id, (runs.get(id) ?? 0) + 1);
    }
    return runs;
  }

  private async offer(task: TrackedTask): Promise<void> {
    try {
      const answer = await this.current.request('POST', '/v2/tasks', { body: task.body });
      if (answer.status !== 202) task.faults.push(`it was answered ${answer.status} ${answer.text}`);
      task.acknowledged = answer.status === 202;
    } catch {
      return; // Killed before the answer: nobody knows, and it is offered again.
    }
    if (task.hasReader) this.follow(task);
  }

  private async isKnown({ id }: TrackedTask): Promise<boolean> {
    const answer = await eventually(
      () => this.current.request('GET', `/v2/tasks/${id}`),
      ({ status }) => status === 200 || status === 404,
      10_000,
    );
    return answer.status === 200;
  }

  private follow(task: TrackedTask): void {
    const reading = this.read(task).catch(() => undefined); // It broke off with the service.
    this.readings.add(reading);
    void reading.then(() => this.readings.delete(reading));
  }

  private async read(task: TrackedTask): Promise<void> {
    const stream = await this.open(task, task.lastEventId);
    try {
      await stream.finished(600_000);
    } finally {
      task.receive(stream.reading().events);
      stream.close();
    }
  }

  private open({ id }: TrackedTask, lastEventId?: string): Promise<SseStream> {
    const { url, apiKey } = this.current;
    const options = { headers: { 'X-API-Key': apiKey }, ...(lastEventId !== undefined && { lastEventId }) };
    return openEvents(`${url}/v2/tasks/${id}/events`, options);
  }

  private get current(): RunningService {
    if (!this.service) throw new Error('no service is running');
    return this.service;
  }
}

function promptOf(id: string): string {
  return `This is task <${id}>. Go on from here.`;
}

function idIn(prompt: string): string | undefined {
  return /<([^>]+)>/.exec(prompt)?.[1];
}
