import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Subject } from 'rxjs';
import { ModelCatalog, type CatalogChange, type ModelEntry } from '../../catalog/model-catalog.port';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { KeptFile } from '../../files/kept-file';
import { filesOf, makeFolder, readBounded, removeDurably, writeAtomically } from './atomic-file';
import { syncFolder } from './folder-sync';
import { KeyTurns } from './key-turns';
import { readModelEntry, writeModelEntry } from './model-entry-file';
import { assertInPlace } from './storage-error';
import { WritingNotes } from './writing-notes';

/** All of it is held in memory, hence both bounds. */
const MAX_MODELS = 10_000;
const MAX_CATALOG_BYTES = 256 * 1024 * 1024;
/** An entry's documents have at most 256 KiB; its other fields far less. */
const MAX_FILE_BYTES = 1024 * 1024;
/** Files read at the same time at the start. */
const READS_AT_ONCE = 32;

/** The catalogue as one JSON file a model, named by the hash of its id. */
@Injectable()
export class FsCatalog extends ModelCatalog implements OnModuleDestroy, OnModuleInit {
  private readonly root: string;
  private readonly entries = new Map<string, { readonly entry: ModelEntry; readonly bytes: number }>();
  private bytes = 0;
  /** In order; undefined after a change until somebody lists. */
  private sortedIds: readonly string[] | undefined;
  private readonly turns = new KeyTurns();
  private readonly changes = new Subject<CatalogChange>();
  override readonly changes$ = this.changes.asObservable();
  private folder: KeptFile | undefined;
  private readonly notes: WritingNotes;

  constructor(
    config: Config,
    private readonly narrator: Narrator,
  ) {
    super();
    this.root = join(config.dataDir, 'catalog');
    this.notes = new WritingNotes(narrator, 'the catalogue');
  }

  async onModuleInit(): Promise<void> {
    await makeFolder(this.root);
    this.folder = new KeptFile(this.root);
    const names = (await filesOf(this.root)).filter(name => name.endsWith('.json'));
    for (let at = 0; at < names.length; at += READS_AT_ONCE) {
      await Promise.all(names.slice(at, at + READS_AT_ONCE).map(name => this.load(name)));
    }
    // What is held is on disk, also where the process before was killed in the middle of a change.
    await syncFolder(this.root);
  }

  onModuleDestroy(): void {
    this.folder?.close();
    this.folder = undefined;
  }

  async find(id: string): Promise<ModelEntry | undefined> {
    return this.entries.get(id)?.entry;
  }

  async list(afterId: string | undefined, limit: number): Promise<readonly ModelEntry[]> {
    this.sortedIds ??= [...this.entries.keys()].sort();
    const from = afterId === undefined ? 0 : this.sortedIds.findIndex(id => id > afterId);
    const ids = from < 0 ? [] : this.sortedIds.slice(from, from + limit);
    return ids.flatMap(id => this.entries.get(id)?.entry ?? []);
  }

  create(entry: ModelEntry): Promise<boolean> {
    return this.turns.run(entry.id, async () => {
      if (this.entries.has(entry.id)) return false;
      await this.save(entry);
      return true;
    });
  }

  update(id: string, change: (entry: ModelEntry) => ModelEntry): Promise<ModelEntry | undefined> {
    return this.turns.run(id, async () => {
      const known = this.entries.get(id);
      if (!known) return undefined;
      const changed = change(known.entry);
      await this.save(changed);
      return changed;
    });
  }

  delete(id: string): Promise<ModelEntry | undefined> {
    return this.turns.run(id, async () => {
      const known = this.entries.get(id);
      if (!known) return undefined;
      await this.notes.note(this.remove(id));
      this.entries.delete(id);
      this.bytes -= known.bytes;
      this.sortedIds = undefined;
      this.changes.next({ id, entry: undefined });
      return known.entry;
    });
  }

  private async save(entry: ModelEntry): Promise<void> {
    const text = writeModelEntry(entry);
    const bytes = Buffer.byteLength(text);
    this.assertRoom(entry.id, bytes);
    await this.notes.note(this.write(entry.id, text));
    this.hold(entry, bytes);
  }

  private async write(id: string, text: string): Promise<void> {
    await writeAtomically(join(this.root, fileNameOf(id)), text);
    assertInPlace(this.folder);
  }

  private async remove(id: string): Promise<void> {
    await removeDurably(this.root, [fileNameOf(id)]);
    assertInPlace(this.folder);
  }

  private assertRoom(id: string, bytes: number): void {
    const known = this.entries.get(id);
    if (!known && this.entries.size >= MAX_MODELS) {
      throw new ServiceError('STORAGE_FULL', {
        message: `The catalogue is full: it holds at most ${MAX_MODELS} models.`,
      });
    }
    if (this.bytes - (known?.bytes ?? 0) + bytes > MAX_CATALOG_BYTES) {
      throw new ServiceError('STORAGE_FULL', {
        message: `The catalogue is full: it holds at most ${MAX_CATALOG_BYTES} bytes.`,
      });
    }
  }

  private hold(entry: ModelEntry, bytes: number): void {
    const known = this.entries.get(entry.id);
    this.entries.set(entry.id, { entry, bytes });
    this.bytes += bytes - (known?.bytes ?? 0);
    if (!known) this.sortedIds = undefined;
    this.changes.next({ id: entry.id, entry });
  }

  /** A file that cannot be read is named and left alone: an operator can mend it. */
  private async load(name: string): Promise<void> {
    try {
      const reading = await readBounded(join(this.root, name), MAX_FILE_BYTES);
      if (!reading) return;
      if (!reading.bytes) throw new Error(reading.reason);
      const entry = readModelEntry(reading.bytes.toString());
      if (fileNameOf(entry.id) !== name) throw new Error('its id does not belong to this file');
      this.hold(entry, reading.bytes.length);
    } catch (cause) {
      const human = `A catalogue entry cannot be read and is left alone: ${name}.`;
      this.narrator.warn(human, { event: 'catalog_entry_damaged', file: name }, cause);
    }
  }
}

/** A hash, so that no id can name a path. */
function fileNameOf(id: string): string {
  return `${createHash('sha256').update(id).digest('hex')}.json`;
}
