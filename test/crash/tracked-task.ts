import type { SseEvent } from '../support/sse-stream';

const INTERRUPTED = 'ORCHESTRATOR_RESTARTED';

/** What a client knows of one task over all the lives of the service. */
export class TrackedTask {
  /** A 202 was received. */
  acknowledged = false;
  /** By event number, as first received. */
  readonly seen = new Map<number, SseEvent>();
  /** Runs on the engine at the time of the last kill before which a client had been shown a token. */
  runsWhenShown: number | undefined;
  /** What was wrong with its streams. */
  readonly faults: string[] = [];
  /** Events that a kill could not take, of a task that one has ended. */
  copied = 0;
  /** Code of the `error` that it ended with. */
  errorCode: string | undefined;

  constructor(
    readonly id: string,
    readonly body: Readonly<Record<string, unknown>>,
    /** Whether somebody reads its stream as it goes. */
    readonly hasReader: boolean,
  ) {}

  get ended(): boolean {
    return [...this.seen.values()].some(isTerminal);
  }

  get lastEventId(): string | undefined {
    const last = Math.max(0, ...this.seen.keys());
    return last > 0 ? String(last) : undefined;
  }

  get tokensSeen(): number {
    return [...this.seen.values()].filter(({ type }) => type === 'token').length;
  }

  /** Events of one connection, in the order received. A number seen before must bring what it brought then. */
  receive(events: readonly SseEvent[]): void {
    for (const event of events) {
      const number = Number(event.id);
      if (event.id === undefined) continue; // Told in passing.
      const known = this.seen.get(number);
      if (!known) this.seen.set(number, event);
      else if (known.type !== event.type || known.text !== event.text) {
        this.faults.push(`event ${number} was ${known.type} ${known.text} and is now ${event.type} ${event.text}`);
      }
    }
  }

  /**
   * Holds a whole reading after the end against what was seen while it went: the same up to what a kill may take, numbered
   * without gaps, tokens from 0 without gaps, and one terminal event, the last. Only the error that ends a task after a kill
   * stands behind a gap: its number has to be larger than any that a reader may have been shown.
   * @param copiedBeforeMs for a task that a kill interrupted: what was received before must still be there
   */
  judge(reading: readonly SseEvent[], copiedBeforeMs: number | undefined): void {
    const last = reading.at(-1);
    if (last?.type === 'error') this.errorCode = (last.data as { code: string }).code;
    const tokens = reading.filter(({ type }) => type === 'token').map(({ data }) => (data as { i: number }).i);
    if (tokens.some((token, at) => token !== at)) this.faults.push(`token indexes are ${tokens.join()}`);
    const numbered = this.errorCode === INTERRUPTED ? reading.slice(0, -1) : reading;
    if (numbered.some(({ id }, at) => Number(id) !== at + 1)) this.faults.push('event numbers have a gap');
    const terminal = reading.filter(isTerminal);
    if (terminal.length !== 1 || terminal[0] !== last) this.faults.push(`it has ${terminal.length} terminal events`);
    if (this.hasReader && !this.ended) this.faults.push('its reader was not told of its end');
    const byNumber = new Map(reading.map(event => [Number(event.id), event]));
    for (const [number, event] of this.seen) this.compare(number, event, byNumber.get(number), copiedBeforeMs);
  }

  private compare(number: number, seen: SseEvent, now: SseEvent | undefined, copiedBeforeMs: number | undefined): void {
    const isInterrupted = copiedBeforeMs !== undefined && this.errorCode === INTERRUPTED;
    if (isInterrupted && seen.receivedMs <= copiedBeforeMs) this.copied++;
    if (now?.type === seen.type && now.text === seen.text) return;
    const mayBeGone = isInterrupted && seen.receivedMs > copiedBeforeMs;
    if (mayBeGone) return;
    this.faults.push(
      `event ${number} was ${seen.type} ${seen.text} and is ${now ? `${now.type} ${now.text}` : 'gone'}`,
    );
  }
}

function isTerminal({ type }: SseEvent): boolean {
  return type === 'end' || type === 'error';
}
