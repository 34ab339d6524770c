import { ArrivalRates } from '../../src/tasks/prediction/arrival-rates';
import { Forecasts, type Forecast, type StationView } from '../../src/tasks/prediction/forecasts';
import { Paces } from '../../src/tasks/prediction/paces';
import { Runs, type Progress, type Run } from '../../src/tasks/prediction/runs';
import { within } from '../../src/tasks/prediction/station-map';
import type { RunningAttempt } from '../../src/tasks/prediction/station';
import { runsToReport } from '../../src/tasks/prediction/report-runs';
import { PeerLoads } from '../../src/tasks/prediction/peer-loads';
import type { Rivals } from '../../src/tasks/prediction/start-predictor';
import { Seeded } from './seeded';
import type { Told } from './verdict';

/** A pool of one replica, as it really is. */
export interface SimulatedPool {
  readonly tokensPerSecond: number;
  readonly slots: number;
  /** Of the pace of one attempt against another: standard deviation of its logarithm. */
  readonly noise?: number;
  /** How much slower a token is for each attempt beside it. */
  readonly slowedBy?: number;
}

export interface Simulation {
  readonly seed: number;
  readonly pools: readonly SimulatedPool[];
  readonly tasks: number;
  /** Work that comes, of what the pools can do. */
  readonly load: number;
  /** Mean length at which outputs stop by themselves; all are as long as they may be without it. */
  readonly stopsAround?: number;
  /** Share of tasks of the class that others overtake for a while. */
  readonly batch?: number;
  /** Share of tasks that may use any pool; the others are pinned to one. */
  readonly free?: number;
  /** One in ten arrivals brings as many at once. */
  readonly burst?: number;
  /** From this task on, everything takes twice as long. */
  readonly slowsAt?: number;
  /** All is told by one of two nodes, each of which runs every other task and hears of the other once a second, sooner where it has begun something; or never. */
  readonly nodes?: 'talking' | 'silent';
}

interface Task extends Progress {
  readonly number: number;
  readonly key: number;
  readonly atMs: number;
  readonly isBatch: boolean;
  readonly pools: readonly number[];
  readonly promptTokens: number;
  readonly askedTokens: number;
  readonly length: number;
  forecast: Forecast | undefined;
}

/** As the driver has it, of words as short as these. */
const [LOOK_MS, HEARD_AFTER_MS, HEARD_EVERY_MS] = [100, 200, 1000];
const AGEING_MS = 30_000;
const [LEAST_ASKED, MOST_ASKED] = [10, 200];
const PREFILL_MS = 20;
const PREFILL_MS_PER_TOKEN = 0.2;

/** Plays a queue and its pools through at once, event by event, and tells each task what the service would tell it. */
export class SimulatedQueue {
  readonly told: Told[] = [];
  private readonly random: Seeded;
  private readonly rates = new ArrivalRates<{ id: string; pools: readonly number[] }>();
  private readonly runs = new Runs();
  /** Of the node that does not tell. */
  private readonly runsElsewhere = new Runs();
  private readonly peers = new PeerLoads();
  /** The other node has, since it told last. */
  private hasBegun = false;
  private heardAtMs = 0;
  private readonly running: number[];
  private readonly forecasts: Forecasts;
  private queue: Task[] = [];
  private events: { readonly atMs: number; readonly happen: () => void }[] = [];
  private nowMs = 0;
  private admitted = 0;

  constructor(
    private readonly settings: Simulation,
    readonly paces = new Paces(),
  ) {
    this.random = new Seeded(settings.seed);
    this.running = settings.pools.map(() => 0);
    this.forecasts = new Forecasts(paces);
  }

  /** Until the last task has ended. */
  run(): readonly Told[] {
    this.at(0, () => this.arrive());
    if (this.settings.nodes === 'talking') this.at(LOOK_MS / 2, () => this.look());
    for (let event = this.events.shift(); event; event = this.events.shift()) {
      this.nowMs = event.atMs;
      event.happen();
    }
    return this.told;
  }

  private at(atMs: number, happen: () => void): void {
    const later = this.events.findIndex(event => event.atMs > atMs);
    this.events.splice(later < 0 ? this.events.length : later, 0, { atMs, happen });
  }

  private look(): void {
    if (this.nowMs - this.heardAtMs >= (this.hasBegun ? HEARD_AFTER_MS : HEARD_EVERY_MS)) this.hear();
    if (this.events.length > 0) this.at(this.nowMs + LOOK_MS, () => this.look());
  }

  private hear(): void {
    this.hasBegun = false;
    this.heardAtMs = this.nowMs;
    this.peers.receive('a', { runs: runsToReport(this.runsElsewhere, this.nowMs), arrivals: [] }, this.nowMs);
    this.runs.countElsewhere(this.peers.counts(this.nowMs), this.nowMs);
    this.runsElsewhere.countElsewhere(this.counts(this.runs), this.nowMs);
  }

  private counts(runs: Runs): ReadonlyMap<string, number> {
    return new Map(this.settings.pools.map((_, index) => [String(index), runs.on(String(index)).length]));
  }

  private arrive(): void {
    const { burst = 1, tasks } = this.settings;
    const together = burst > 1 && this.random.next() < 0.1 ? burst : 1;
    for (let n = 0; n < together && this.admitted < tasks; n++) this.admit();
    this.dispatch();
    if (this.admitted >= tasks) return;
    const perArrival = burst > 1 ? 0.9 + 0.1 * burst : 1;
    this.at(this.nowMs + this.random.exponential(perArrival / this.tasksPerMs()), () => this.arrive());
  }

  private tasksPerMs(): number {
    const { pools, load, stopsAround } = this.settings;
    const asked = (LEAST_ASKED + MOST_ASKED) / 2;
    const length = stopsAround === undefined ? asked : stopsAround * (1 - Math.exp(-asked / stopsAround));
    const capacity = pools.reduce((sum, pool) => {
      const msPerToken = (1000 / pool.tokensPerSecond) * (1 + (pool.slowedBy ?? 0) * (pool.slots - 1));
      return sum + pool.slots / (PREFILL_MS + length * msPerToken);
    }, 0);
    return load * capacity;
  }

  private admit(): void {
    const { random } = this;
    const { batch = 0, free = 0, pools, stopsAround } = this.settings;
    const all = pools.map((_, index) => index);
    const isBatch = random.next() < batch;
    const askedTokens = random.whole(LEAST_ASKED, MOST_ASKED);
    const own = stopsAround === undefined ? Infinity : Math.max(1, Math.round(random.exponential(stopsAround)));
    const task: Task = {
      number: this.admitted++,
      key: this.nowMs + (isBatch ? AGEING_MS : 0),
      atMs: this.nowMs,
      isBatch,
      pools: pools.length === 1 || random.next() < free ? all : [random.whole(0, pools.length - 1)],
      promptTokens: random.whole(10, 400),
      askedTokens,
      length: Math.min(askedTokens, own),
      forecast: undefined,
      tokens: 0,
    };
    if (!isBatch) this.rates.note({ id: task.pools.join(), pools: task.pools }, this.nowMs);
    task.forecast = this.forecastFor(task);
    this.queue.push(task);
  }

  private forecastFor(task: Task): Forecast {
    const { pools } = this.settings;
    const stations = pools.map(({ slots }, index): StationView => ({
      poolId: String(index),
      replicas: 1,
      slotsTotal: slots,
      slotsFree: slots - (this.running[index] ?? 0),
      slotsReleasing: 0,
      running: this.runningOn(index),
    }));
    const rivals = this.queue
      .filter(other => isBefore(other, task))
      .map(({ pools: usable, promptTokens, askedTokens }): Rivals => ({
        stations: usable,
        ahead: { tasks: 1, promptTokens, askedTokens },
        comingPerMs: 0,
      }));
    for (const [{ pools: usable }, perMs] of this.rates.all(this.nowMs))
      rivals.push({ stations: usable, ahead: { tasks: 0, promptTokens: 0, askedTokens: 0 }, comingPerMs: perMs });
    const { promptTokens, askedTokens, isBatch } = task;
    const overtakenForMs = isBatch ? AGEING_MS : 0;
    const question = { stations: task.pools, promptTokens, askedTokens, overtakenForMs, isHeldUp: false };
    return this.forecasts.make(question, stations, rivals, this.nowMs);
  }

  private runningOn(index: number): readonly RunningAttempt[] {
    const own = this.runs.on(String(index));
    const elsewhere = (this.running[index] ?? 0) - own.length;
    return [...own, ...within(elsewhere, this.peers.on(String(index), this.nowMs))];
  }

  /** The first in order that may use a free slot, on the pool with most of them, until none is left. */
  private dispatch(): void {
    this.queue.sort((a, b) => (isBefore(a, b) ? -1 : 1));
    for (const task of [...this.queue]) {
      const free = task.pools.filter(pool => this.freeOf(pool) > 0);
      const [best] = free.sort((a, b) => this.freeOf(b) - this.freeOf(a));
      if (best === undefined) continue;
      this.queue.splice(this.queue.indexOf(task), 1);
      this.start(task, best);
    }
  }

  private freeOf(pool: number): number {
    return (this.settings.pools[pool]?.slots ?? 0) - (this.running[pool] ?? 0);
  }

  private start(task: Task, index: number): void {
    const { random, settings } = this;
    const { tokensPerSecond, noise = 0, slowedBy = 0 } = settings.pools[index] as SimulatedPool;
    const beside = this.running[index] ?? 0;
    const slowed = settings.slowsAt !== undefined && task.number >= settings.slowsAt ? 2 : 1;
    const msPerToken = (1000 / tokensPerSecond) * slowed * (1 + slowedBy * beside) * Math.exp(noise * random.normal());
    const prefillMs =
      PREFILL_MS + PREFILL_MS_PER_TOKEN * task.promptTokens * Math.exp(noise * random.normal()) + random.between(1, 3);
    const firstMs = this.nowMs + prefillMs;
    const endMs = firstMs + (task.length - 1) * msPerToken + random.between(0, 2);
    const clock = (): number => this.nowMs;
    const progress: Progress = {
      get tokens() {
        return clock() < firstMs ? 0 : Math.min(task.length, 1 + Math.floor((clock() - firstMs) / msPerToken));
      },
    };
    this.running[index] = beside + 1;
    const runs = settings.nodes !== undefined && task.number % 2 === 1 ? this.runsElsewhere : this.runs;
    if (runs === this.runsElsewhere) this.hasBegun = true;
    const run = runs.begin(String(index), String(index), task, progress, this.nowMs);
    this.at(firstMs, () => this.started(task, run));
    this.at(endMs, () => this.ended(task, run, index, runs));
  }

  private started({ forecast, atMs }: Task, run: Run): void {
    run.firstOutputAtMs = this.nowMs;
    if (!forecast) return;
    const { startMs, earliestMs, latestMs, basis } = forecast;
    this.told.push({ startMs, earliestMs, latestMs, basis, actualMs: this.nowMs - atMs });
    this.forecasts.started(forecast, this.nowMs);
  }

  private ended(task: Task, run: Run, index: number, runs: Runs): void {
    const { length, askedTokens } = task;
    const end = { tokens: length, stoppedByItself: length < askedTokens, cachedShare: undefined, decodeMs: undefined };
    const measure = runs.measure(run, end, this.nowMs);
    if (measure) this.paces.observe(String(index), measure);
    runs.end(run, this.nowMs);
    this.running[index] = (this.running[index] ?? 0) - 1;
    this.dispatch();
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.key < b.key || (a.key === b.key && a.number < b.number);
}
