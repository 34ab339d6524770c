import type { Mutation } from './mutation';

/** A catalogue that loses, doubles or reorders entries. */
export const catalogMutations: readonly Mutation[] = [
  {
    name: 'an entry is made twice',
    file: 'src/storage/files/fs-catalog.ts',
    find: `      if (this.entries.has(entry.id)) return false;
`,
    replace: '',
    specs: ['src/storage/files/fs-catalog.spec.ts'],
  },
  {
    name: 'a change is lost',
    file: 'src/storage/files/fs-catalog.ts',
    find: `      await this.save(changed);
      return changed;`,
    replace: '      return changed;',
    specs: ['src/storage/files/fs-catalog.spec.ts'],
  },
  {
    name: 'what was deleted comes back',
    file: 'src/storage/files/fs-catalog.ts',
    find: `      await this.notes.note(this.remove(id));
`,
    replace: '',
    specs: ['src/storage/files/fs-catalog.spec.ts'],
  },
  {
    name: 'an entry is held and not kept',
    file: 'src/storage/files/fs-catalog.ts',
    find: `    await this.notes.note(this.write(entry.id, text));
`,
    replace: '',
    specs: ['src/storage/files/fs-catalog.spec.ts'],
  },
  {
    name: 'lists are in another order',
    file: 'src/storage/files/fs-catalog.ts',
    find: '    this.sortedIds ??= [...this.entries.keys()].sort();',
    replace: '    this.sortedIds ??= [...this.entries.keys()].sort().reverse();',
    specs: ['src/storage/files/fs-catalog.spec.ts'],
  },
  {
    name: 'a page repeats the last of the one before',
    file: 'src/storage/files/fs-catalog.ts',
    find: 'this.sortedIds.findIndex(id => id > afterId)',
    replace: 'this.sortedIds.findIndex(id => id >= afterId)',
    specs: ['src/storage/files/fs-catalog.spec.ts'],
  },
  {
    name: 'a new entry is not listed',
    file: 'src/storage/files/fs-catalog.ts',
    find: `    if (!known) this.sortedIds = undefined;
`,
    replace: '',
    specs: ['src/storage/files/fs-catalog.spec.ts'],
  },
  {
    name: 'nobody hears of a change',
    file: 'src/storage/files/fs-catalog.ts',
    find: `    this.changes.next({ id: entry.id, entry });
`,
    replace: '',
    specs: ['src/storage/files/fs-catalog.spec.ts'],
  },
];

/** A store that loses documents, keeps deleted ones or gives out what is not what was put. */
export const artifactMutations: readonly Mutation[] = [
  {
    name: 'a damaged document is given out',
    file: 'src/storage/files/file-artifact-store.ts',
    find: '      if (reading?.bytes && (await sha256(reading.bytes)) === id) return reading.bytes.toString();',
    replace: '      if (reading?.bytes) return reading.bytes.toString();',
    specs: ['src/storage/files/file-artifact-store.spec.ts'],
  },
  {
    name: 'what was deleted is listed',
    file: 'src/storage/files/file-artifact-store.ts',
    find: `      for (const info of names) this.index.delete(info);
      return true;`,
    replace: '      return true;',
    specs: ['src/storage/files/file-artifact-store.spec.ts'],
  },
  {
    name: 'what was deleted comes back',
    file: 'src/storage/files/file-artifact-store.ts',
    find: `      if (files.length > 0) await removeDurably(this.folderOf(id), files.map(fileNameOf));
`,
    replace: '',
    specs: ['src/storage/files/file-artifact-store.spec.ts'],
  },
  {
    name: 'a document is listed and not kept',
    file: 'src/storage/files/file-artifact-store.ts',
    find: `    else await this.write(info, json);
`,
    replace: '',
    specs: ['src/storage/files/file-artifact-store.spec.ts'],
  },
  {
    name: 'the store has no bound',
    file: 'src/storage/files/file-artifact-store.ts',
    find: '    return takenBytes + neededBytes <= this.config.artifactsMaxBytes;',
    replace: '    return true;',
    specs: ['src/storage/files/file-artifact-store.spec.ts'],
  },
  {
    name: 'transcripts go before their time',
    file: 'src/storage/files/file-artifact-store.ts',
    find: '      if (removed === limit || !oldest || oldest.storedAtMs >= storedBeforeMs) return removed;',
    replace: '      if (removed === limit || !oldest) return removed;',
    specs: ['src/storage/files/file-artifact-store.spec.ts'],
  },
];
