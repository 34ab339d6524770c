import type Database from 'better-sqlite3';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type {
  ApiRecord,
  FileRemoval,
  KeptRecord,
  RecordKind,
  RecordPage,
  RecordTotals,
} from '../../records/api-records.port';
import { filesNamedBy } from '../../records/named-files';
import { openDatabase } from '../sqlite/file/driver';
import { isDamage } from '../sqlite/file/journal-error';
import { makeFolder, syncFolder } from '../sqlite/file/journal-file';
import type { RecordsRequest, RecordsValue } from './records-protocol';

export const RECORDS_FILE = 'records.db';
const CACHE_KIB = 4 * 1024;

const schema = `
  CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    kept_from REAL,
    UNIQUE (kind, id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS records_by_kind ON records (kind, seq);
  CREATE INDEX IF NOT EXISTS records_open ON records (kind, seq) WHERE is_open = 1;
  CREATE INDEX IF NOT EXISTS records_by_age ON records (kind, kept_from) WHERE kept_from IS NOT NULL;
  CREATE TABLE IF NOT EXISTS totals (kind TEXT PRIMARY KEY, amount INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
  CREATE TRIGGER IF NOT EXISTS counted_in AFTER INSERT ON records BEGIN
    INSERT INTO totals VALUES (new.kind, 1, octet_length(new.text))
      ON CONFLICT (kind) DO UPDATE SET amount = amount + 1, bytes = bytes + excluded.bytes;
  END;
  CREATE TRIGGER IF NOT EXISTS counted_again AFTER UPDATE OF text ON records BEGIN
    UPDATE totals SET bytes = bytes + octet_length(new.text) - octet_length(old.text) WHERE kind = new.kind;
  END;
  CREATE TRIGGER IF NOT EXISTS counted_out AFTER DELETE ON records BEGIN
    UPDATE totals SET amount = amount - 1, bytes = bytes - octet_length(old.text) WHERE kind = old.kind;
  END;
  CREATE TABLE IF NOT EXISTS holds (
    file_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (file_id, kind, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS holds_by_record ON holds (kind, id);
  CREATE TRIGGER IF NOT EXISTS released AFTER UPDATE OF is_open ON records WHEN new.is_open = 0 BEGIN
    DELETE FROM holds WHERE kind = new.kind AND id = new.id;
  END;
  CREATE TRIGGER IF NOT EXISTS released_out AFTER DELETE ON records BEGIN
    DELETE FROM holds WHERE kind = old.kind AND id = old.id;
  END;
  INSERT INTO totals SELECT kind, COUNT(*), SUM(octet_length(text)) FROM records
    WHERE NOT EXISTS (SELECT 1 FROM totals) GROUP BY kind;
`;

interface Row {
  readonly seq: number;
  readonly kind: RecordKind;
  readonly id: string;
  readonly text: string;
  readonly is_open: number;
  readonly kept_from: number | null;
  /** Ids of files, with blanks between. */
  readonly holds: string | null;
}

/** The file of the records. Only its thread uses it, and the journal's lock on the data folder keeps other processes out. */
export class RecordsFile {
  readonly wasDamaged: boolean;
  private readonly db: Database.Database;
  private readonly sql: ReturnType<typeof prepare>;

  constructor(folder: string) {
    makeFolder(folder);
    let db: Database.Database;
    let wasDamaged = false;
    try {
      db = openAt(folder);
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown;
      putAside(folder);
      wasDamaged = true;
      db = openAt(folder);
    }
    syncFolder(folder);
    this.db = db;
    this.wasDamaged = wasDamaged;
    this.sql = prepare(db);
    db.transaction(() => this.tellHolds()).immediate();
  }

  /** Requests of one message: one transaction, synced once. All of it or, where anything is thrown, nothing. */
  answer(requests: readonly RecordsRequest[]): RecordsValue[] {
    if (!requests.some(isWrite)) return requests.map(request => this.perform(request));
    return this.db.transaction(() => requests.map(request => this.perform(request))).immediate();
  }

  /** What was removed stands in the write-ahead log until then. */
  wipeLog(): void {
    this.db.pragma('wal_checkpoint(TRUNCATE)');
  }

  close(): void {
    this.db.close();
  }

  private perform(request: RecordsRequest): RecordsValue {
    switch (request.verb) {
      case 'insert':
        return this.written(request.record, this.sql.insert.run(rowOf(request.record)));
      case 'insertFor':
        if (!this.sql.find.get('file', request.fileId)) return false;
        return this.written(request.record, this.sql.insert.run(rowOf(request.record)));
      case 'replace':
        return this.written(request.record, this.sql.replace.run(rowOf(request.record)));
      case 'revise':
        return this.written(request.record, this.sql.revise.run({ ...rowOf(request.record), was: request.was }));
      case 'remove':
        return this.sql.remove.run(request.kind, request.id).changes > 0;
      case 'removeFile':
        return this.removeFile(request.id);
      case 'find': {
        const row = this.sql.find.get(request.kind, request.id) as Row | undefined;
        return row && keptOf(row);
      }
      case 'list':
        return this.list(request.page);
      case 'totals':
        return this.totals(request.kind);
      case 'trim':
        return this.trim(request.kind, request.most, request.limit);
      case 'open':
        return (this.sql.open.all(request.kind) as Row[]).map(keptOf);
      case 'expired':
        return this.sql.expired.all(request.kind, request.keptBeforeMs, request.limit) as string[];
      case 'close':
        return undefined;
    }
  }

  /** Whether it was; then it holds what it says, as long as it is open. */
  private written({ kind, id, isOpen, holds = [] }: ApiRecord, { changes }: Database.RunResult): boolean {
    if (changes === 0) return false;
    if (isOpen) for (const fileId of holds) this.sql.hold.run(fileId, kind, id);
    return true;
  }

  /** Of versions that did not. Whoever has this file open writes nothing without telling it. */
  private tellHolds(): void {
    for (const { kind, id, text } of this.sql.untold.all() as Pick<Row, 'kind' | 'id' | 'text'>[])
      for (const fileId of filesNamedBy(kind, text)) this.sql.hold.run(fileId, kind, id);
  }

  private removeFile(id: string): FileRemoval {
    if (!this.sql.find.get('file', id)) return 'none';
    const heldBy = this.sql.holder.get(id) as string | undefined;
    if (heldBy !== undefined) return { heldBy };
    this.sql.remove.run('file', id);
    return 'removed';
  }

  private totals(kind: RecordKind): RecordTotals {
    return (this.sql.totals.get(kind) as RecordTotals | undefined) ?? { records: 0, bytes: 0 };
  }

  private trim(kind: RecordKind, most: RecordTotals, limit: number): string[] {
    const gone: string[] = [];
    while (gone.length < limit) {
      const { records, bytes } = this.totals(kind);
      if (records <= most.records && bytes <= most.bytes) break;
      const id = this.sql.oldest.get(kind) as string | undefined;
      if (id === undefined) break;
      this.sql.remove.run(kind, id);
      gone.push(id);
    }
    return gone;
  }

  private list({ kind, afterSeq, order, limit }: RecordPage): KeptRecord[] {
    const isNewestFirst = order === 'newest first';
    const from = afterSeq ?? (isNewestFirst ? Number.MAX_SAFE_INTEGER : 0);
    const rows = (isNewestFirst ? this.sql.before : this.sql.after).all(kind, from, limit);
    return (rows as Row[]).map(keptOf);
  }
}

function openAt(folder: string): Database.Database {
  const db = openDatabase(join(folder, RECORDS_FILE));
  try {
    db.pragma('trusted_schema = OFF');
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('secure_delete = ON');
    db.pragma(`cache_size = -${CACHE_KIB}`);
    db.exec(schema);
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

function putAside(folder: string): void {
  const path = join(folder, RECORDS_FILE);
  if (existsSync(path)) renameSync(path, `${path}.damaged`);
  for (const part of ['-wal', '-shm']) rmSync(`${path}${part}`, { force: true });
}

const columns = `seq, kind, id, text, is_open, kept_from,
  (SELECT group_concat(file_id, ' ') FROM holds WHERE holds.kind = records.kind AND holds.id = records.id) AS holds`;

function prepare(db: Database.Database) {
  return {
    insert: db.prepare(
      'INSERT INTO records (kind, id, text, is_open, kept_from) VALUES (@kind, @id, @text, @isOpen, @keptFromMs)',
    ),
    replace: db.prepare(
      'UPDATE records SET text = @text, is_open = @isOpen, kept_from = @keptFromMs WHERE kind = @kind AND id = @id',
    ),
    revise: db.prepare(
      `UPDATE records SET text = @text, is_open = @isOpen, kept_from = @keptFromMs
        WHERE kind = @kind AND id = @id AND text = @was`,
    ),
    hold: db.prepare('INSERT OR IGNORE INTO holds VALUES (?, ?, ?)'),
    untold: db.prepare(
      `SELECT kind, id, text FROM records WHERE kind = 'batch' AND is_open = 1
        AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.kind = records.kind AND holds.id = records.id)`,
    ),
    holder: db.prepare('SELECT id FROM holds WHERE file_id = ? LIMIT 1').pluck(),
    remove: db.prepare('DELETE FROM records WHERE kind = ? AND id = ?'),
    find: db.prepare(`SELECT ${columns} FROM records WHERE kind = ? AND id = ?`),
    before: db.prepare(`SELECT ${columns} FROM records WHERE kind = ? AND seq < ? ORDER BY seq DESC LIMIT ?`),
    after: db.prepare(`SELECT ${columns} FROM records WHERE kind = ? AND seq > ? ORDER BY seq LIMIT ?`),
    open: db.prepare(`SELECT ${columns} FROM records WHERE kind = ? AND is_open = 1 ORDER BY seq`),
    totals: db.prepare('SELECT amount AS records, bytes FROM totals WHERE kind = ?'),
    oldest: db
      .prepare(
        'SELECT id FROM records WHERE kind = ? AND is_open = 0 AND kept_from IS NOT NULL ORDER BY kept_from LIMIT 1',
      )
      .pluck(),
    expired: db.prepare('SELECT id FROM records WHERE kind = ? AND kept_from < ? ORDER BY kept_from LIMIT ?').pluck(),
  };
}

function rowOf({ kind, id, text, isOpen, keptFromMs }: ApiRecord): object {
  return { kind, id, text, isOpen: isOpen ? 1 : 0, keptFromMs: keptFromMs ?? null };
}

function keptOf({ seq, kind, id, text, is_open: isOpen, kept_from: keptFromMs, holds }: Row): KeptRecord {
  return {
    ...{ seq, kind, id, text, isOpen: isOpen === 1 },
    ...(keptFromMs !== null && { keptFromMs }),
    ...(holds !== null && { holds: holds.split(' ').sort() }),
  };
}

const writes: ReadonlySet<RecordsRequest['verb']> = new Set([
  ...(['insert', 'insertFor', 'replace', 'revise', 'remove', 'removeFile', 'trim'] as const),
]);

function isWrite({ verb }: RecordsRequest): boolean {
  return writes.has(verb);
}
