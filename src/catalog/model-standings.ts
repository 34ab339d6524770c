import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import type { EngineModel } from '../engines/engine-adapter.port';
import { fileNamesOf } from '../engines/model-names';
import { Alarms, type Alarm } from '../time/alarms';
import { Clock } from '../time/clock';
import { barredBy, type ModelBar } from './model-bar';
import { ModelCatalog, type ModelEntry } from './model-catalog.port';

/**
 * What the catalogue says of the models that engines have, at once: it is asked wherever candidates are looked at. An entry and an
 * engine's model are the same where the entry's id is a name of the model, or its file is the model's: the same path below the
 * model directory, or, for a file in no folder, the same name.
 */
@Injectable()
export class ModelStandings implements OnModuleDestroy {
  private readonly entries = new Map<string, ModelEntry>();
  /** Ids of entries by the names of their files. */
  private readonly byFile = new Map<string, Set<string>>();
  /** The ends of retirements' deadlines, by id. */
  private readonly deadlines = new Map<string, Alarm>();
  private readonly changes: Subscription;
  private changeCount = 0;

  constructor(
    catalog: ModelCatalog,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
  ) {
    // Here, for the entries that there are come with the start of the driver.
    this.changes = catalog.changes$.subscribe(({ id, entry }) => this.take(id, entry));
  }

  onModuleDestroy(): void {
    this.changes.unsubscribe();
    for (const alarm of this.deadlines.values()) alarm.cancel();
  }

  /** Another number whenever {@link namesOf} or {@link barOn} may answer otherwise than before. */
  get version(): number {
    return this.changeCount;
  }

  /** What a model that a task names so may go by at an engine: for an id of the catalogue, its file as well. */
  namesOf(name: string): readonly string[] {
    const localPath = this.entries.get(name)?.localPath;
    if (localPath === undefined || localPath === name) return [name];
    return [name, ...fileNamesOf(localPath)];
  }

  /** Why tasks may not have this model now; undefined where they may. What the catalogue does not know it does not forbid. */
  barOn(model: EngineModel): ModelBar | undefined {
    if (this.entries.size === 0) return undefined;
    const names = [model.id, ...(model.names ?? [])];
    const ids = new Set(names.flatMap(name => [name, ...fileNamesOf(name).flatMap(file => [...this.idsOf(file)])]));
    for (const id of ids) {
      const entry = this.entries.get(id);
      const bar = entry && isSame(entry, names) ? barredBy(entry, this.clock.wallMs()) : undefined;
      if (bar) return bar;
    }
    return undefined;
  }

  /** Entries that tasks may have, in no order: the first `max` of them. */
  admissible(max: number): readonly ModelEntry[] {
    const found: ModelEntry[] = [];
    const wallMs = this.clock.wallMs();
    for (const entry of this.entries.values()) {
      if (found.length >= max) break;
      if (!barredBy(entry, wallMs)) found.push(entry);
    }
    return found;
  }

  private idsOf(file: string): ReadonlySet<string> {
    return this.byFile.get(file) ?? nobody;
  }

  private take(id: string, entry: ModelEntry | undefined): void {
    this.forget(id);
    if (entry) this.hold(entry);
    this.changeCount++;
  }

  private hold(entry: ModelEntry): void {
    const { id, localPath = id, retireDeadlineAtMs } = entry;
    this.entries.set(id, entry);
    for (const file of fileNamesOf(localPath)) this.byFile.set(file, new Set([...this.idsOf(file), id]));
    const leftMs = (retireDeadlineAtMs ?? 0) - this.clock.wallMs();
    if (leftMs > 0)
      this.deadlines.set(
        id,
        this.alarms.after(leftMs, () => this.changeCount++),
      );
  }

  private forget(id: string): void {
    const known = this.entries.get(id);
    if (!known) return;
    this.entries.delete(id);
    this.deadlines.get(id)?.cancel();
    this.deadlines.delete(id);
    for (const file of fileNamesOf(known.localPath ?? id)) {
      const others = new Set([...this.idsOf(file)].filter(other => other !== id));
      if (others.size > 0) this.byFile.set(file, others);
      else this.byFile.delete(file);
    }
  }
}

function isSame({ id, localPath = id }: ModelEntry, names: readonly string[]): boolean {
  if (names.includes(id)) return true;
  if (localPath.includes('/')) return names.some(name => name === localPath || name.endsWith(`/${localPath}`));
  return fileNamesOf(localPath).some(file => names.includes(file));
}

const nobody: ReadonlySet<string> = new Set();
