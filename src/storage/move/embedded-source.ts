import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/config';
import type { Narrator } from '../../observability/narrator';
import type { Recovery } from '../../tasks/journal/task-journal.port';
import type { TaskEvent } from '../../tasks/task/task';
import { DataFolder, RUNNING_TIME } from './data-folder';
import { artifactsOf, contentsOf, modelsOf, recordsOf } from './in-pages';
import { MoveRefused, type Moved, type MovedKind, type MoveSource } from './moved';

const PAGE = 500;

/** A data folder that an embedded service has left. */
export class EmbeddedSource implements MoveSource {
  readonly name: string;
  private readonly data: DataFolder;
  private isOpen = false;

  constructor(
    private readonly config: Config,
    narrator: Narrator,
    name?: string,
  ) {
    this.name = name ?? config.dataDir;
    this.data = new DataFolder(config, narrator);
  }

  async open(): Promise<void> {
    if (!existsSync(join(this.config.dataDir, 'journal')))
      throw new MoveRefused(`${this.name} is no data folder: there is no journal in it`);
    try {
      await this.data.open();
      this.isOpen = true;
    } catch (thrown) {
      throw new MoveRefused(`${this.name} cannot be read: ${(thrown as Error).message}`);
    }
  }

  async nowMs(): Promise<number> {
    const { lastKeptMs = 0, live } = this.data.recovery as Recovery;
    const path = join(this.config.dataDir, RUNNING_TIME);
    const kept = existsSync(path) ? Number(readFileSync(path, 'latin1')) : 0;
    let nowMs = Math.max(kept, lastKeptMs, (await this.newestArtifactMs()) ?? 0);
    // Of a service that was killed the file may be a minute behind.
    for (const { spec, facts } of live)
      nowMs = Math.max(nowMs, facts.orderKey - (spec.priority === 'batch' ? this.config.batchAgeingMs : 0));
    return nowMs;
  }

  async *all<K extends MovedKind>(kind: K): AsyncGenerator<Moved[K]> {
    yield* this.of(kind) as AsyncIterable<Moved[K]>;
  }

  /** The journal is ours: nobody else opens it. */
  async assertQuiet(): Promise<void> {}

  async close(): Promise<void> {
    if (this.isOpen) await this.data.close();
    this.isOpen = false;
  }

  private async *of(kind: MovedKind): AsyncGenerator<Moved[MovedKind]> {
    const { bindings, drains, notes, sessions } = this.data.recovery as Recovery;
    switch (kind) {
      case 'notes':
        yield* [...notes].sort(byName);
        return;
      case 'bindings':
        // The others are made anew by each start, of its settings and files.
        yield* bindings
          .filter(({ source }) => source === 'worker')
          .sort((a, b) => byName([`${a.poolId}/${a.replicaId}`], [`${b.poolId}/${b.replicaId}`]));
        return;
      case 'drains':
        yield* [...drains].sort((a, b) => byName([a.poolId], [b.poolId]));
        return;
      case 'models':
        yield* modelsOf(this.data.catalog);
        return;
      case 'sessions':
        yield* [...sessions].sort((a, b) => byName([a.sessionId], [b.sessionId]));
        return;
      case 'tasks':
        yield* this.tasks();
        return;
      case 'artifacts':
        yield* artifactsOf(this.data.artifacts);
        return;
      case 'records':
        yield* recordsOf(this.data.records);
        return;
      case 'contents':
        yield* contentsOf(this.data.records, this.data.contents);
        return;
    }
  }

  /** Live ones as they are served, then the others, newest first. */
  private async *tasks(): AsyncGenerator<Moved['tasks']> {
    const { journal, recovery } = this.data;
    for (const record of (recovery as Recovery).live)
      yield { ...record, events: await this.eventsOf(record.spec.taskId) };
    for (let afterSeq: number | undefined; ;) {
      const page = await journal.list({ limit: PAGE, ...(afterSeq !== undefined && { afterSeq }) });
      for (const record of page) {
        if (!record.ending) continue;
        const isTold = record.ending.transcriptArtifactId !== undefined;
        yield { ...record, events: isTold ? [] : await this.eventsOf(record.spec.taskId) };
      }
      if (page.length < PAGE) return;
      afterSeq = page.at(-1)?.facts.seq;
    }
  }

  private eventsOf(taskId: string): Promise<readonly TaskEvent[]> {
    return this.data.journal.readEvents(taskId);
  }

  private async newestArtifactMs(): Promise<number | undefined> {
    const [newest] = await this.data.artifacts.list({ limit: 1 });
    return newest?.storedAtMs;
  }
}

function byName([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
