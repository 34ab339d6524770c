import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { filter, type Subscription } from 'rxjs';
import type { EngineUsage } from '../../engines/engine-adapter.port';
import { PoolRegistry } from '../../pools/registry/pool-registry.port';
import { Clock } from '../../time/clock';
import { laneIdOf, type PlacementConstraints } from '../../pools/placement/constraints';
import type { LaneAhead } from '../ledger/lane-ahead';
import type { Claim } from '../ledger/task-ledger.port';
import type { AdmissionFacts, PredictedStart, TaskSpec } from '../task/task';
import { ArrivalRates } from './arrival-rates';
import { Forecasts, toldOf, type Forecast } from './forecasts';
import { LoadReports } from './load-reports.port';
import { PeerLoads } from './peer-loads';
import { Paces } from './paces';
import { Runs, type Assignment, type Run } from './runs';
import { replicaKey, StationMap } from './station-map';
import type { Rivals } from './start-predictor';
import { LoadExchange } from './load-exchange';

/** Of English text, and of most: before an engine has counted, a prompt's tokens are estimated from its bytes. */
const BYTES_PER_TOKEN = 4;

interface LaneKind {
  readonly id: string;
  readonly constraints: PlacementConstraints;
}

/** What bears on the start of a task beside what it asks for. */
export interface Standing {
  /** By lane, the tasks that go before it. */
  readonly ahead: readonly LaneAhead[];
  /** From now on: as long as newcomers go before it. */
  readonly overtakenForMs: number;
  /** A model has to be loaded first. */
  readonly isHeldUp: boolean;
}

const nothing = { tasks: 0, promptTokens: 0, askedTokens: 0 };

/** Tells when tasks will start: brings together what pools, slots and queue are like now and what was learned of them. */
@Injectable()
export class StartForecasts implements OnModuleInit, OnModuleDestroy {
  readonly paces = new Paces();
  private readonly forecasts = new Forecasts(this.paces);
  private readonly runs = new Runs();
  private readonly peers = new PeerLoads();
  private readonly arrivals = new ArrivalRates<LaneKind>();
  /** What was told → what it is judged by. A task that another process has told of is not in it. */
  private readonly told = new WeakMap<PredictedStart, Forecast>();
  private map: StationMap | undefined;
  private changes: Subscription | undefined;

  constructor(
    private readonly registry: PoolRegistry,
    private readonly clock: Clock,
    private readonly loadReports: LoadReports,
  ) {}

  onModuleInit(): void {
    this.changes = this.registry.poolChanges$
      .pipe(filter(({ kind }) => kind === 'reloading'))
      .subscribe(({ poolId }) => this.paces.doubt(poolId));
    if (!this.loadReports.hasPeers) return;
    const { paces, runs, arrivals } = this;
    paces.keepLessons();
    const exchange = new LoadExchange(this.clock, { paces, runs, arrivals }, this.peers);
    this.loadReports.begin(
      () => exchange.report(),
      (node, text) => exchange.receive(node, text),
    );
  }

  onModuleDestroy(): void {
    this.changes?.unsubscribe();
  }

  tell(spec: TaskSpec, standing: Standing): Pick<AdmissionFacts, 'predictedStartMs' | 'predictedStart'> {
    const forecast = this.forecast(spec, standing);
    const told = toldOf(forecast);
    this.told.set(told.predictedStart, forecast);
    return told;
  }

  /** A task was admitted: if it goes before some who wait already, so may others like it. */
  admitted({ priority, constraints }: TaskSpec): void {
    if (priority === 'interactive') this.arrivals.note({ id: laneIdOf(constraints), constraints }, this.clock.nowMs());
  }

  /** An attempt takes a slot. What it has shown is looked at until it is {@link ended}. */
  began({ spec, placement, shown }: Claim): Run {
    this.loadReports.changed();
    return this.runs.begin(replicaKey(placement), placement.poolId, assignmentOf(spec), shown, this.clock.nowMs());
  }

  /** The attempt has its first output, and with it the task has started. */
  showed(run: Run, { predictedStart }: AdmissionFacts): void {
    const nowMs = this.clock.nowMs();
    run.firstOutputAtMs = nowMs;
    const forecast = this.told.get(predictedStart);
    if (forecast) this.forecasts.started(forecast, nowMs);
  }

  /** An attempt's output is complete; before it is {@link ended}. */
  completed(run: Run, { tokensOut, tokensIn, tokensCached, finishReason, decodeMs }: EngineUsage): void {
    const end = {
      tokens: tokensOut,
      stoppedByItself: finishReason === 'stop',
      decodeMs,
      cachedShare: tokensIn && tokensCached !== undefined ? Math.min(1, tokensCached / tokensIn) : undefined,
    };
    const measure = this.runs.measure(run, end, this.clock.nowMs());
    if (measure) this.paces.observe(run.poolId, measure);
  }

  /** The slot is free again, whatever became of the attempt. */
  ended(run: Run): void {
    this.runs.end(run, this.clock.nowMs());
  }

  private forecast(spec: TaskSpec, { ahead, overtakenForMs, isHeldUp }: Standing): Forecast {
    const map = this.mapOf(this.registry.version);
    const nowMs = this.clock.nowMs();
    const rivals = ahead.map(({ constraints, sums }): Rivals => ({
      stations: map.usableBy(constraints),
      ahead: { tasks: sums.tasks, promptTokens: sums.bytes / BYTES_PER_TOKEN, askedTokens: sums.askedTokens },
      comingPerMs: 0,
    }));
    if (overtakenForMs > 0) {
      for (const [{ constraints }, comingPerMs] of this.arrivals.all(nowMs))
        rivals.push({ stations: map.usableBy(constraints), ahead: nothing, comingPerMs });
      for (const { constraints, perS } of this.peers.arrivals(nowMs))
        rivals.push({ stations: map.usableBy(constraints), ahead: nothing, comingPerMs: perS / 1000 });
    }
    const { promptTokens, askedTokens } = assignmentOf(spec);
    const stations = map.usableBy(spec.constraints);
    const question = { stations, promptTokens, askedTokens, overtakenForMs, isHeldUp };
    return this.forecasts.make(
      question,
      map.views(
        this.registry,
        replica => this.runs.on(replica),
        replica => this.peers.on(replica, nowMs),
      ),
      rivals,
      nowMs,
    );
  }

  private mapOf(version: number): StationMap {
    if (this.map?.version !== version) this.map = new StationMap(this.registry.view(), version);
    return this.map;
  }
}

function assignmentOf({ prompt, maxTokens }: TaskSpec): Assignment {
  return { promptTokens: Buffer.byteLength(prompt) / BYTES_PER_TOKEN, askedTokens: maxTokens };
}
