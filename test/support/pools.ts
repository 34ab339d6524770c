import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Abstract, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { register } from 'prom-client';
import { loadConfig } from '../../src/config/config';
import { ConfigModule } from '../../src/config/config.module';
import { Logger } from '../../src/observability/logger';
import { ObservabilityModule } from '../../src/observability/observability.module';
import type { Binding } from '../../src/pools/registry/pool';
import { PoolsModule } from '../../src/pools/pools.module';
import { StorageModule } from '../../src/storage/storage.module';
import { MemoryTaskJournal } from '../../src/storage/memory/task-journal.memory';
import { TaskJournal } from '../../src/tasks/journal/task-journal.port';
import { TimeModule } from '../../src/time/time.module';
import { EngineAllowModule } from '../../src/workers/engine-allow.module';
import { temporaryFolder } from './temporary-folder';

type LogLine = Readonly<Record<string, unknown>>;

/** The pools with everything real behind them but the disk of the journal. */
export interface PoolsUnderTest {
  get<T>(token: Type<T> | Abstract<T>): T;
  readonly modelsDir: string;
  /** Log lines of this event, oldest first. */
  told(event: string): readonly LogLine[];
  /** The value of a series; undefined where there is none. */
  metric(name: string, labels: Readonly<Record<string, string>>): Promise<number | undefined>;
  close(): Promise<void>;
}

/** @param env settings beside the defaults; probes come hourly unless it says otherwise */
export async function startPools(
  env: Readonly<Record<string, string>> = {},
  journal: TaskJournal = new MemoryTaskJournal(),
): Promise<PoolsUnderTest> {
  register.clear();
  const folder = temporaryFolder();
  const modelsDir = join(folder.path, 'models');
  mkdirSync(modelsDir);
  const { config } = loadConfig({
    ORCHD_DATA_DIR: join(folder.path, 'data'),
    ORCHD_MODELS_DIR: modelsDir,
    ORCHD_PROBE_INTERVAL_MS: '3600000',
    ...env,
  });
  const lines: LogLine[] = [];
  const logger = new Logger(config, { write: line => void lines.push(JSON.parse(line) as LogLine) });
  const module = await Test.createTestingModule({
    imports: [
      ConfigModule.with(config),
      ObservabilityModule.with(logger),
      TimeModule,
      StorageModule,
      EngineAllowModule,
      PoolsModule,
    ],
  })
    .overrideProvider(TaskJournal)
    .useValue(journal)
    .setLogger(logger)
    .compile();
  await module.init();
  return {
    get: token => module.get(token, { strict: false }),
    modelsDir,
    told: event => lines.filter(line => line.event === event),
    metric: async (name, labels) => {
      const { values = [] } = (await register.getSingleMetric(name)?.get()) ?? {};
      const wanted = Object.entries(labels);
      return values.find(each => wanted.every(([label, value]) => each.labels[label] === value))?.value;
    },
    close: async () => {
      await module.close();
      folder.remove();
    },
  };
}

export function bindingOf(url: string | undefined, change: Partial<Binding> = {}): Binding {
  const named = { poolId: 'gpu', replicaId: 'r0', source: 'worker', engine: 'llamacpp', ...change } as const;
  return url === undefined ? named : { ...named, url };
}
