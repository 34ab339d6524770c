import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Subject, type Subscription } from 'rxjs';
import { ModelCatalog, type CatalogChange, type ModelEntry } from '../../catalog/model-catalog.port';
import { Store } from './connection/store';
import { changeModelScript, modelsScript } from './scripts/catalog-scripts';
import { fieldsOf } from './task-fields';

/** The truth of what hints tell of. */
const LOOK_MS = 1000;

/** The catalogue of all nodes. Each node has all entries at hand, to tell what has changed; who reads reads the store. */
@Injectable()
export class RedisCatalog extends ModelCatalog implements OnModuleInit, OnModuleDestroy {
  private readonly changes = new Subject<CatalogChange>();
  override readonly changes$ = this.changes.asObservable();
  /** As they were told last. */
  private readonly texts = new Map<string, string>();
  /** Of the last look; -1 where what was seen says nothing any more. */
  private version = -1;
  /** Those of what was changed here since, by id. */
  private readonly written = new Map<string, number>();
  private looking: Promise<void> | undefined;
  private ticker: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;
  private ups: Subscription | undefined;

  constructor(private readonly store: Store) {
    super();
  }

  onModuleInit(): void {
    this.stopListening = this.store.listen('models', () => void this.look());
    this.ticker = setInterval(() => void this.look(), LOOK_MS);
    this.ticker.unref();
    this.ups = this.store.up$.subscribe(() => {
      // Another server may have the version of the one before, and not what it has.
      this.written.clear();
      this.version = -1;
      void (this.looking ?? Promise.resolve()).then(() => this.look());
    });
  }

  onModuleDestroy(): void {
    this.stopListening?.();
    this.ups?.unsubscribe();
    clearInterval(this.ticker);
  }

  async find(id: string): Promise<ModelEntry | undefined> {
    const text = await this.textOf(id);
    return text === '' ? undefined : (JSON.parse(text) as ModelEntry);
  }

  async list(afterId: string | undefined, limit: number): Promise<readonly ModelEntry[]> {
    const from = afterId === undefined ? '-' : `(${afterId}`;
    const range = ['ZRANGEBYLEX', `${this.store.prefix}:modelIds`, from, '+', 'LIMIT', '0', String(limit)];
    const ids = (await this.store.call(...range)) as readonly string[];
    const found = await Promise.all(ids.map(id => this.find(id)));
    return found.filter(entry => entry !== undefined);
  }

  async create(entry: ModelEntry): Promise<boolean> {
    return this.change(entry.id, '', entry);
  }

  /** Again where another node was first. */
  async update(id: string, change: (entry: ModelEntry) => ModelEntry): Promise<ModelEntry | undefined> {
    for (;;) {
      const before = await this.textOf(id);
      if (before === '') return undefined;
      const changed = change(JSON.parse(before) as ModelEntry);
      if (await this.change(id, before, changed)) return changed;
    }
  }

  async delete(id: string): Promise<ModelEntry | undefined> {
    for (;;) {
      const before = await this.textOf(id);
      if (before === '') return undefined;
      if (await this.change(id, before, undefined)) return JSON.parse(before) as ModelEntry;
    }
  }

  private async textOf(id: string): Promise<string> {
    return String((await this.store.call('HGET', `${this.store.prefix}:models`, id)) ?? '');
  }

  private async change(id: string, before: string, entry: ModelEntry | undefined): Promise<boolean> {
    const text = entry ? JSON.stringify(entry) : '';
    const version = Number(await this.store.runDurably(changeModelScript, id, before, text));
    if (version === 0) return false;
    // Another change may have come since, and have been told.
    if (version > Math.max(this.version, this.written.get(id) ?? 0)) {
      this.written.set(id, version);
      this.tell(id, text);
    }
    return true;
  }

  private tell(id: string, text: string): void {
    if ((this.texts.get(id) ?? '') === text) return;
    if (text === '') this.texts.delete(id);
    else this.texts.set(id, text);
    this.changes.next({ id, entry: text === '' ? undefined : (JSON.parse(text) as ModelEntry) });
  }

  private look(): Promise<void> {
    this.looking ??= this.seeChanges()
      .catch(() => undefined) // The store is away; the next look finds out.
      .finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async seeChanges(): Promise<void> {
    const reply = (await this.store.run(modelsScript, this.version)) as [number, readonly string[]] | null;
    if (!reply) return;
    const [version, flat] = reply;
    const texts = fieldsOf(flat) ?? new Map<string, string>();
    this.version = version;
    for (const id of new Set([...texts.keys(), ...this.texts.keys()])) {
      // What was written here since is newer.
      if ((this.written.get(id) ?? 0) <= version) this.tell(id, texts.get(id) ?? '');
    }
    for (const [id, at] of this.written) if (at <= version) this.written.delete(id);
  }
}
