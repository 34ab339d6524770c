import { vi } from 'vitest';
import type { ModelStandings } from '../../src/catalog/model-standings';
import { loadConfig, type Config } from '../../src/config/config';
import { EngineRegistry } from '../../src/engines/engine-registry';
import { ServiceError } from '../../src/errors/service-error';
import type { Narrator } from '../../src/observability/narrator';
import type { MetricsService } from '../../src/observability/metrics.service';
import { PlacementService } from '../../src/pools/placement/placement.service';
import { EmbeddedLedger } from '../../src/storage/embedded/embedded-ledger';
import { EmbeddedRecords } from '../../src/storage/embedded/embedded-records';
import { EmbeddedSessions } from '../../src/storage/embedded/embedded-sessions';
import { OwnReach } from '../../src/storage/embedded/own-reach';
import { OwedEndings } from '../../src/storage/embedded/owed-endings';
import { SessionBook } from '../../src/storage/embedded/session-book';
import { Slots } from '../../src/storage/embedded/slots';
import { TaskAccounts } from '../../src/storage/embedded/task-accounts';
import { MemoryPoolRegistry } from '../../src/storage/memory/pool-registry.memory';
import { MemoryTaskJournal } from '../../src/storage/memory/task-journal.memory';
import { JournalStart } from '../../src/tasks/journal/journal-start';
import { Alarms } from '../../src/time/alarms';
import { Clock } from '../../src/time/clock';
import { RunningTime } from '../../src/time/running-time';
import type { LedgerSettings, LedgerUnderTest } from '../contracts/task-ledger/ledger-use';

/** A journal whose writes can be held back, and made to fail. */
export class HeldJournal extends MemoryTaskJournal {
  private held: Promise<boolean> | undefined;

  hold(): (fails: boolean) => void {
    let settle = (fails: boolean): void => void fails;
    this.held = new Promise(resolve => (settle = resolve));
    return fails => {
      this.held = undefined;
      settle(fails);
    };
  }

  override async admit(...args: Parameters<MemoryTaskJournal['admit']>): Promise<void> {
    if (await this.held) throw new ServiceError('STORAGE_UNAVAILABLE');
    await super.admit(...args);
  }

  override async end(...args: Parameters<MemoryTaskJournal['end']>): Promise<void> {
    if (await this.held) throw new ServiceError('STORAGE_UNAVAILABLE');
    await super.end(...args);
  }
}

export const silentNarrator = {
  warn: () => undefined,
  tell: () => undefined,
  fail: () => undefined,
} as unknown as Narrator;
const metrics = { placementDecision: () => undefined } as unknown as MetricsService;
const adapter = { engine: 'llamacpp' };
/** An empty catalogue. */
const nothingKnown = {
  version: 0,
  namesOf: (name: string) => [name],
  barOn: () => undefined,
} as unknown as ModelStandings;

function engines(): EngineRegistry {
  return Object.assign(Object.create(EngineRegistry.prototype) as EngineRegistry, {
    find: () => adapter,
    names: () => ['llamacpp'],
  });
}

/** A clock that fake timers move, and what goes by it. */
export function testTime(
  settings: LedgerSettings,
  env: Readonly<Record<string, string>> = {},
): { readonly config: Config; readonly clock: Clock; readonly alarms: Alarms; readonly runningTime: RunningTime } {
  const { capacity, unservedCapacity, policy, batchAgeingMs, tokensBudget, timeBudgetMs } = settings;
  const { config } = loadConfig({
    ...env,
    ...(capacity !== undefined && { ORCHD_ADMISSION_CAPACITY: String(capacity) }),
    ...(unservedCapacity !== undefined && { ORCHD_UNSERVED_CAPACITY: String(unservedCapacity) }),
    ...(policy !== undefined && { ORCHD_ADMISSION_POLICY: policy }),
    ...(batchAgeingMs !== undefined && { ORCHD_BATCH_AGEING_MS: String(batchAgeingMs) }),
    ...(tokensBudget !== undefined && { ORCHD_SESSION_TOKENS_BUDGET: String(tokensBudget) }),
    ...(timeBudgetMs !== undefined && { ORCHD_SESSION_TIME_BUDGET_MS: String(timeBudgetMs) }),
  });
  const clock = Object.assign(new Clock(), { nowMs: () => Date.now(), wallMs: () => Date.now() });
  const runningTime = Object.assign(new RunningTime(), { nowMs: () => Date.now() });
  return { config, clock, alarms: new Alarms(clock), runningTime };
}

/** Pools that a test binds, and who may run what there. */
export function testPools(
  config: Config,
  clock: Clock,
  alarms: Alarms,
): {
  readonly registry: MemoryPoolRegistry;
  readonly placement: PlacementService;
  readonly pools: Pick<LedgerUnderTest, 'bind' | 'lose' | 'slotsFree'>;
} {
  const registry = new MemoryPoolRegistry(config, engines(), clock, alarms, new OwnReach());
  const placement = new PlacementService(registry, metrics, clock, nothingKnown);
  const named = (name: string): [string, string] => name.split('/') as [string, string];
  const pools: Pick<LedgerUnderTest, 'bind' | 'lose' | 'slotsFree'> = {
    bind: async (name, slots) => {
      const [poolId, replicaId] = named(name);
      const url = `http://${poolId}.${replicaId}`;
      await registry.bind({ poolId, replicaId, engine: 'llamacpp', source: 'worker', url });
      await registry.observe(poolId, replicaId, {
        state: 'ready',
        slotsTotal: slots,
        supportedWorkloads: ['completion'],
      });
    },
    lose: async name => {
      for (let times = 0; times < 2; times++) await registry.observe(...named(name), { state: 'unreachable' });
    },
    slotsFree: name => registry.slotsFree(...named(name)),
  };
  return { registry, placement, pools };
}

export async function embeddedLedger(
  settings: LedgerSettings,
  journal = new HeldJournal(),
  startMs = 1_000_000,
): Promise<LedgerUnderTest> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: startMs });
  const { config, clock, alarms, runningTime } = testTime(settings);
  const { registry, placement, pools } = testPools(config, clock, alarms);
  const book = new SessionBook(config, clock, alarms);
  const start = new JournalStart(journal);
  const owed = new OwedEndings(journal, alarms, silentNarrator);
  const ledger = new EmbeddedLedger(
    config,
    placement,
    new Slots(registry),
    new TaskAccounts(config, book),
    journal,
    start,
    owed,
    clock,
    runningTime,
    alarms,
  );
  const sessions = new EmbeddedSessions(book, journal);
  sessions.onModuleInit();
  ledger.onModuleInit();
  const close = async (): Promise<void> => {
    ledger.onModuleDestroy();
    sessions.onModuleDestroy();
    alarms.onModuleDestroy();
    vi.useRealTimers();
  };
  return {
    ledger,
    records: new EmbeddedRecords(ledger, journal, owed, start),
    ...pools,
    sessions,
    session: sessionId => book.open(sessionId),
    advance: async ms => void (await vi.advanceTimersByTimeAsync(ms)),
    hold: () => journal.hold(),
    reopen: async () => {
      const nowMs = Date.now();
      await close();
      return embeddedLedger(settings, journal, nowMs);
    },
    close,
  };
}
