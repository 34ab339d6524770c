import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { TurnoverMap } from '../../collections/turnover-map';
import { isTerminal, type TaskEvent } from '../../tasks/task/task';
import { Store } from './connection/store';
import { HeldTasks } from './held-tasks';
import { appendScript } from './scripts/event-scripts';

/** Events of one task that come within this time share an append. */
const GATHER_MS = 8;
const RETRY_MS = 200;

interface Outgoing {
  readonly token: string;
  firstSeq: number;
  events: TaskEvent[];
  /**
   * What was sent and not answered. It may have been done all the same, so it is sent again as it was, and not with what has come since:
   * an append that begins where another began is taken for the same.
   */
  unanswered?: { readonly firstSeq: number; readonly events: readonly TaskEvent[] };
  sending: boolean;
}

/**
 * Writes what this node appends to the streams that other nodes read. Bounded by the logs themselves. While the store is away it gathers; what a
 * task's next owner does not want is refused there, and then this node has lost the task.
 */
@Injectable()
export class EventWriter implements OnModuleDestroy {
  private readonly outgoing = new TurnoverMap<string, Outgoing>();
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    private readonly store: Store,
    private readonly held: HeldTasks,
  ) {}

  onModuleDestroy(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** @param firstSeq number of the first */
  add(taskId: string, firstSeq: number, events: readonly TaskEvent[]): void {
    const known = this.outgoing.get(taskId);
    if (known) {
      if (known.events.length === 0) known.firstSeq = firstSeq;
      known.events.push(...events);
    } else {
      const token = this.held.get(taskId)?.token;
      if (token === undefined) return;
      this.outgoing.set(taskId, { token, firstSeq, events: [...events], sending: false });
    }
    // The end is what many wait for.
    if (events.some(isTerminal)) this.sendAll();
    else this.timer ??= setTimeout(() => this.sendAll(), GATHER_MS);
  }

  /** What is gathered for a task is worth nothing any more. */
  forget(taskId: string): void {
    this.outgoing.delete(taskId);
  }

  /** Resolves once everything was sent, or the store is away. */
  async flush(): Promise<void> {
    await Promise.all([...this.outgoing].map(([taskId, out]) => this.send(taskId, out)));
  }

  private sendAll(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const [taskId, out] of this.outgoing) if (!out.sending) void this.send(taskId, out);
  }

  private async send(taskId: string, out: Outgoing): Promise<void> {
    out.sending = true;
    while ((out.unanswered || out.events.length > 0) && this.outgoing.get(taskId) === out) {
      const batch = (out.unanswered ??= { firstSeq: out.firstSeq, events: out.events.splice(0) });
      const { events, firstSeq } = batch;
      const hasEnd = events.some(isTerminal);
      try {
        const taken = await this.store.run(
          appendScript,
          taskId,
          out.token,
          firstSeq,
          encodeEvents(events),
          hasEnd ? 1 : 0,
        );
        if (out.unanswered === batch) delete out.unanswered;
        if (taken !== 1) this.refused(taskId, out);
        if (taken !== 1 || hasEnd) this.outgoing.delete(taskId);
      } catch {
        break;
      }
    }
    out.sending = false;
    if (this.outgoing.get(taskId) !== out) return;
    if (!out.unanswered && out.events.length === 0) this.outgoing.delete(taskId);
    else if (!this.isStopped) this.timer ??= setTimeout(() => this.sendAll(), RETRY_MS).unref();
  }

  private refused(taskId: string, { token }: Outgoing): void {
    const task = this.held.get(taskId);
    if (task?.token === token) this.held.lose(task);
  }
}

/** `[type, data, verbose data or null, number or null]` of each. */
export function encodeEvents(events: readonly TaskEvent[]): string {
  return JSON.stringify(
    events.map(({ type, data, verboseData, seq }) => [type, data, verboseData ?? null, seq ?? null]),
  );
}

export function decodeEvents(text: string): TaskEvent[] {
  type Encoded = readonly [TaskEvent['type'], string, string | null, number | null];
  return (JSON.parse(text) as readonly Encoded[]).map(([type, data, verboseData, seq]) => ({
    type,
    data,
    ...(verboseData !== null && { verboseData }),
    ...(seq !== null && { seq }),
  }));
}
