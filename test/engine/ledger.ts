/** A request that carried a body, as it came in. */
export interface RequestRecord {
  /** Of `performance.now()`, when its body was there. */
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The parsed JSON, or the text where it is none; only the first 64 KiB of a longer one, as text. */
  readonly body: unknown;
}

export interface LoadRecord {
  readonly model: string;
  readonly action: 'load' | 'unload';
}

/** What `/__stats` answers. All counts are since the start and concern generations only. */
export interface EngineStats {
  /** Got a slot. */
  readonly started: number;
  /** Reached their last frame. */
  readonly finished: number;
  /** The client went: deferred, in prefill or in the middle. */
  readonly aborted: number;
  /** Ended by a fault that was switched on. */
  readonly faulted: number;
  /** Busy slots now. */
  readonly active: number;
  /** Waiting for a slot now. */
  readonly deferred: number;
  /** Those that ever had to. */
  readonly deferrals: number;
  /** Out of memory now, and how often it went so far. */
  readonly asleep: boolean;
  readonly sleeps: number;
  /** How often `/slots` was asked. */
  readonly slotLooks: number;
  /** Sent or about to be. */
  readonly tokens: number;
  /** The newest 50 requests with a body, oldest first. */
  readonly requests: readonly RequestRecord[];
  /** Slot ids in the order in which they were erased, the newest 1000. */
  readonly erasedSlots: readonly number[];
  /** Router mode, the newest 1000, autoloads included. */
  readonly loads: readonly LoadRecord[];
}

const BODY_KEPT_CHARACTERS = 64 * 1024;
const EVENTS_KEPT = 1000;

/** Keeps count of what the engine did, and tells those who wait for something to happen. */
export class Ledger {
  private readonly counts = { started: 0, finished: 0, aborted: 0, faulted: 0, tokens: 0, slotLooks: 0 };
  private readonly requests: RequestRecord[] = [];
  private readonly erasedSlots: number[] = [];
  private readonly loads: LoadRecord[] = [];
  private readonly watchers = new Set<() => void>();

  constructor(
    private readonly gauges: () => Pick<EngineStats, 'active' | 'deferred' | 'deferrals' | 'asleep' | 'sleeps'>,
    private readonly requestsKept: number,
  ) {}

  count(what: 'started' | 'finished' | 'aborted' | 'faulted' | 'slotLooks'): void {
    this.counts[what]++;
    this.changed();
  }

  countTokens(tokens: number): void {
    this.counts.tokens += tokens;
    this.changed();
  }

  request(record: Omit<RequestRecord, 'body' | 'atMs'>, body: string): void {
    keep(this.requests, { atMs: performance.now(), ...record, body: readable(body) }, this.requestsKept);
    this.changed();
  }

  erased(slotId: number): void {
    keep(this.erasedSlots, slotId, EVENTS_KEPT);
    this.changed();
  }

  load(record: LoadRecord): void {
    keep(this.loads, record, EVENTS_KEPT);
    this.changed();
  }

  stats(): EngineStats {
    return {
      ...this.counts,
      ...this.gauges(),
      requests: [...this.requests],
      erasedSlots: [...this.erasedSlots],
      loads: [...this.loads],
    };
  }

  /** Tells the watchers that a figure may have changed. */
  changed(): void {
    for (const watcher of this.watchers) watcher();
  }

  /** Resolves with the first figures that satisfy `wanted`, at once where they do; rejects at the deadline with the last ones. */
  until(wanted: (stats: EngineStats) => boolean, deadlineMs: number): Promise<EngineStats> {
    return new Promise((resolve, reject) => {
      const settle = (how: () => void) => {
        clearTimeout(timer);
        this.watchers.delete(look);
        how();
      };
      const look = () => {
        try {
          const stats = this.stats();
          if (wanted(stats)) settle(() => resolve(stats));
        } catch (fault) {
          settle(() => reject(fault instanceof Error ? fault : new Error(String(fault))));
        }
      };
      const timer = setTimeout(() => {
        const { requests, ...figures } = this.stats();
        const last = JSON.stringify({ ...figures, requests: requests.length });
        settle(() => reject(new Error(`the engine did not get there within ${deadlineMs} ms: ${last}`)));
      }, deadlineMs);
      this.watchers.add(look);
      look();
    });
  }
}

function keep<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}

function readable(body: string): unknown {
  if (body.length > BODY_KEPT_CHARACTERS) return body.slice(0, BODY_KEPT_CHARACTERS);
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return body;
  }
}
