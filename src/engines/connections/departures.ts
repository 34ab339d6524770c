import type { TurnEnd } from '../../time/turn-end';
import type { Exchange, ExchangeHandler } from './engine-connection';

/** At most so many wait for each other: engines begin with these while the rest of a long turn is handled. */
const TOGETHER_MAX = 8;

/** A request that leaves with others. */
class Departure implements Exchange {
  private exchange: Exchange | undefined;
  private isOver = false;

  constructor(
    private readonly send: () => Exchange,
    private readonly handler: ExchangeHandler,
  ) {}

  leave(): void {
    if (this.isOver) return;
    try {
      this.exchange = this.send();
    } catch (cause) {
      this.fail(cause);
    }
  }

  /** It does not leave. */
  fail(cause: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.handler.onFault(cause);
  }

  abort(): void {
    this.isOver = true;
    this.exchange?.abort();
  }
}

/**
 * Requests that leave together: at the end of the turn of the event loop, or earlier where more than {@link TOGETHER_MAX} would wait. One that
 * leaves alone finds its engine asleep, and waking it costs several times what the write does; those behind the first find it awake. By the end
 * of the turn every socket was read: a connection that an engine has closed meanwhile is not used.
 */
export class Departures {
  private readonly waiting: Departure[] = [];
  private isDue = false;

  constructor(private readonly turnEnd: TurnEnd) {}

  /**
   * Those that waited before may leave in it; `handler` is told nothing before this returns.
   * @param send called once, unless the request is given up before; what it throws is passed to `onFault`
   */
  add(send: () => Exchange, handler: ExchangeHandler): Exchange {
    if (this.waiting.length >= TOGETHER_MAX) this.leave();
    const departure = new Departure(send, handler);
    this.waiting.push(departure);
    if (this.isDue) return departure;
    this.isDue = true;
    this.turnEnd.do(this.leaveDue);
    return departure;
  }

  /** Those that have not left yet never do: each is told why. */
  cancel(cause: unknown): void {
    for (const departure of this.waiting.splice(0)) departure.fail(cause);
  }

  private readonly leaveDue = (): void => {
    this.isDue = false;
    this.leave();
  };

  private leave(): void {
    for (const departure of this.waiting.splice(0)) departure.leave();
  }
}
