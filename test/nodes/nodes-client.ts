import type { RunningService } from '../support/service';
import { openEvents } from '../support/sse-client';
import type { SseEvent, SseStream } from '../support/sse-stream';
import type { Random } from '../crash/random';
import { TrackedTask } from '../crash/tracked-task';
import type { Fleet } from './fleet';

const SESSIONS = 5;
const AGAIN_MS = 100;
/** Of one request to a node that may be stopped. */
const ANSWER_MS = 4000;

/** A task with what was seen of it, and when. */
export class NodesTask extends TrackedTask {
  /** Runs on the engine when a token of it was first shown to anybody. */
  runsWhenFirstShown: number | undefined;
  endSeenMs: number | undefined;
  /** Events of streams that broke off, or were read on elsewhere. */
  readings = 0;
}

/** Submits to any node and reads at any other; what it is told it holds against what there is. */
export class NodesClient {
  readonly tasks = new Map<string, NodesTask>();
  private readonly readings = new Set<Promise<void>>();
  private isOver = false;

  constructor(
    private readonly fleet: Fleet,
    private readonly random: Random,
  ) {}

  /** Never rejects. */
  async submit(id: string): Promise<void> {
    const body = {
      task_id: id,
      prompt: `This is task <${id}>. Go on from here.`,
      priority: this.random.next() < 0.7 ? 'interactive' : 'batch',
      max_tokens: 1 + this.random.below(50),
      deadline_ms: 3_600_000,
      on_disconnect: 'continue',
      sampling: { seed: 1 },
      session_id: `session-${this.random.below(SESSIONS)}`,
    };
    const task = new NodesTask(id, body, this.random.next() < 0.7);
    this.tasks.set(id, task);
    await this.offer(task);
    if (task.hasReader) {
      const reading = this.readAll(task);
      this.readings.add(reading);
      void reading.finally(() => this.readings.delete(reading));
    }
  }

  /** Offers again what got no answer, until it has one. */
  async offerAll(): Promise<void> {
    for (const task of this.tasks.values()) while (!task.acknowledged && !this.isOver) await this.offer(task);
  }

  async readersDone(): Promise<void> {
    await Promise.all(this.readings);
  }

  stop(): void {
    this.isOver = true;
  }

  /** Each stream once more from its start, and each record. Resolves to tokens spent by session. */
  async judgeAll(): Promise<ReadonlyMap<string, number>> {
    const spent = new Map<string, number>();
    const left = [...this.tasks.values()].filter(({ acknowledged }) => acknowledged);
    const judge = async (): Promise<void> => {
      for (let task = left.pop(); task; task = left.pop()) {
        const tokens = await this.judge(task);
        const session = String(task.body['session_id']);
        spent.set(session, (spent.get(session) ?? 0) + tokens);
      }
    };
    await Promise.all(Array.from({ length: 8 }, judge));
    return spent;
  }

  /** Resolves to the tokens that it has cost. */
  private async judge(task: NodesTask): Promise<number> {
    const record = await this.ask(task.id);
    const usage = record?.['usage'] as { tokens_out: number } | undefined;
    if (!record) task.faults.push('it is not known any more');
    else if (!usage) task.faults.push(`it has not ended: ${String(record['state'])}`);
    if (!usage) return 0;
    const stream = await this.open(task, undefined);
    await stream.finished(30_000).catch((fault: unknown) => task.faults.push(String(fault).slice(0, 200)));
    // What a node that is no more had shown, and not passed on, may be gone.
    task.judge(stream.reading().events, 0);
    stream.close();
    return usage.tokens_out;
  }

  /** Tasks that ran again although a token of them had been shown. */
  ranTwice(): string[] {
    const runs = this.runs();
    return [...this.tasks.values()]
      .filter(
        ({ id, runsWhenFirstShown }) => runsWhenFirstShown !== undefined && (runs.get(id) ?? 0) > runsWhenFirstShown,
      )
      .map(({ id }) => id);
  }

  sessions(): string[] {
    return Array.from({ length: SESSIONS }, (_, at) => `session-${at}`);
  }

  /** Asks any node that answers. */
  async anywhere(path: string): Promise<Record<string, unknown>> {
    for (;;) {
      const service = this.anyService();
      try {
        const answer = await service?.request('GET', path, { deadlineMs: ANSWER_MS });
        if (answer && answer.status < 500) return await answer.json();
      } catch {
        // Another one may answer.
      }
      await pause(AGAIN_MS);
    }
  }

  private async ask(id: string): Promise<Record<string, unknown> | undefined> {
    const record = await this.anywhere(`/v2/tasks/${id}`);
    return record['code'] === 'TASK_NOT_FOUND' ? undefined : record;
  }

  private async offer(task: NodesTask): Promise<void> {
    try {
      const answer = await this.anyService()?.request('POST', '/v2/tasks', { body: task.body, deadlineMs: ANSWER_MS });
      if (answer?.status === 202) task.acknowledged = true;
      else if (answer && answer.status < 500) task.faults.push(`it was answered ${answer.status} ${answer.text}`);
    } catch {
      // Nobody knows; it is offered again.
    }
    if (!task.acknowledged) await pause(AGAIN_MS);
  }

  private async readAll(task: NodesTask): Promise<void> {
    while (!task.ended && !this.isOver) {
      if (!task.acknowledged) {
        await pause(AGAIN_MS);
        continue;
      }
      await this.readOn(task).catch(() => undefined);
      if (!task.ended) await pause(AGAIN_MS);
    }
  }

  /** Until the end, or until it breaks off; a reader of a node that hangs goes elsewhere. */
  private async readOn(task: NodesTask): Promise<void> {
    const stream = await this.open(task, task.lastEventId);
    task.readings++;
    try {
      if (stream.status === 204) return;
      if (stream.status !== 200) {
        if (stream.status < 500 && stream.status !== 404) task.faults.push(`its stream answered ${stream.status}`);
        return;
      }
      const shows = stream
        .event(({ type }) => type === 'token', 10_000, true)
        .then(
          () => (task.runsWhenFirstShown ??= this.runs().get(task.id) ?? 0),
          () => undefined,
        );
      await stream.finished(10_000).catch(() => undefined);
      await Promise.race([shows, Promise.resolve()]);
    } finally {
      const { events } = stream.reading();
      task.receive(events);
      if (events.some(isTerminal)) task.endSeenMs = performance.now();
      stream.close();
    }
  }

  private async open({ id }: NodesTask, lastEventId: string | undefined): Promise<SseStream> {
    const service = this.anyService();
    if (!service) throw new Error('no node is up');
    const options = { headers: { 'X-API-Key': service.apiKey }, ...(lastEventId !== undefined && { lastEventId }) };
    return openEvents(`${service.url}/v2/tasks/${id}/events`, { ...options, deadlineMs: ANSWER_MS });
  }

  private anyService(): RunningService | undefined {
    const up = this.fleet.nodes.flatMap(({ service }) => service ?? []);
    return up.length === 0 ? undefined : this.random.pick(up);
  }

  private counted = 0;
  private readonly counts = new Map<string, number>();

  /** By task, how often the engine was asked to run it. */
  private runs(): ReadonlyMap<string, number> {
    const { requests } = this.fleet.engine.stats();
    for (; this.counted < requests.length; this.counted++) {
      const id = /<([^>]+)>/.exec(String((requests[this.counted]?.body as { prompt?: unknown }).prompt))?.[1];
      if (id !== undefined) this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
    }
    return this.counts;
  }
}

function isTerminal({ type }: SseEvent): boolean {
  return type === 'end' || type === 'error';
}

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
