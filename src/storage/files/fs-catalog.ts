import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ModelCatalog, type ModelEntry } from '../../catalog/model-catalog.port';
import { Config } from '../../config/config';
import { Narrator } from '../../observability/narrator';
import { removeDurably, sweepTemporaries, writeAtomically } from './atomic-file';

/** The catalogue as one JSON file a model, named by the hash of its id; all of it is in memory after the start. */
@Injectable()
export class FsCatalog extends ModelCatalog implements OnModuleInit {
  private readonly root: string;
  private readonly entries = new Map<string, ModelEntry>();
  /** The last change of each id that has one under way; the next waits for it. */
  private readonly changes = new Map<string, Promise<unknown>>();

  constructor(
    config: Config,
    private readonly narrator: Narrator,
  ) {
    super();
    this.root = join(config.dataDir, 'catalog');
  }

  async onModuleInit(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    await sweepTemporaries(this.root);
    for (const name of await readdir(this.root)) if (name.endsWith('.json')) await this.load(name);
  }

  async find(id: string): Promise<ModelEntry | undefined> {
    return this.entries.get(id);
  }

  async list(afterId: string | undefined, limit: number): Promise<readonly ModelEntry[]> {
    const ids = [...this.entries.keys()].filter(id => afterId === undefined || id > afterId).sort();
    return ids.slice(0, limit).flatMap(id => this.entries.get(id) ?? []);
  }

  create(entry: ModelEntry): Promise<boolean> {
    return this.inTurn(entry.id, async () => {
      if (this.entries.has(entry.id)) return false;
      await this.save(entry);
      return true;
    });
  }

  update(id: string, change: (entry: ModelEntry) => ModelEntry): Promise<ModelEntry | undefined> {
    return this.inTurn(id, async () => {
      const entry = this.entries.get(id);
      if (!entry) return undefined;
      const changed = change(entry);
      await this.save(changed);
      return changed;
    });
  }

  delete(id: string): Promise<ModelEntry | undefined> {
    return this.inTurn(id, async () => {
      const entry = this.entries.get(id);
      if (!entry) return undefined;
      await removeDurably(this.pathOf(id));
      this.entries.delete(id);
      return entry;
    });
  }

  private async save(entry: ModelEntry): Promise<void> {
    await writeAtomically(this.pathOf(entry.id), JSON.stringify(entry, null, 2));
    this.entries.set(entry.id, entry);
  }

  /** One change of an id after the other, whatever became of the one before. */
  private async inTurn<T>(id: string, change: () => Promise<T>): Promise<T> {
    const before = this.changes.get(id) ?? Promise.resolve();
    const mine = before.then(change, change);
    this.changes.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.changes.get(id) === mine) this.changes.delete(id);
    }
  }

  /** A file that cannot be read is named and left alone: an operator can mend it. */
  private async load(name: string): Promise<void> {
    try {
      const entry = JSON.parse(await readFile(join(this.root, name), 'utf8')) as ModelEntry;
      if (typeof entry.id !== 'string' || fileOf(entry.id) !== name) throw new Error('the entry does not belong to this file');
      this.entries.set(entry.id, entry);
    } catch (cause) {
      this.narrator.warn(`A catalogue entry cannot be read and is left alone: ${name}.`, { event: 'catalog_entry_damaged' }, cause);
    }
  }

  private pathOf(id: string): string {
    return join(this.root, fileOf(id));
  }
}

/** A hash, so that no id can name a path. */
function fileOf(id: string): string {
  return `${createHash('sha256').update(id).digest('hex')}.json`;
}
