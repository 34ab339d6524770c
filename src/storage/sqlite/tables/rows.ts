import { crc32 } from 'node:zlib';

export type Cell = string | number | null;

/** A row of `tasks`, in the order of {@link taskColumns}. */
export type TaskRow = readonly [
  seq: number,
  taskId: string,
  sessionId: string,
  admittedAtMs: number,
  state: number,
  marked: number,
  /** In the column `ended_at`: of journals before version 5 it is the wall's time. */
  keptFromMs: number | null,
  admission: string,
  placement: string | null,
  ending: string | null,
  checksum: number,
];

export const taskColumns =
  'seq, task_id, session_id, admitted_at, state, marked, ended_at, admission, placement, ending, checksum';

/** A task that has not ended, and its prompt. */
export interface LiveRow {
  readonly task: TaskRow;
  readonly prompt: string;
}

export type SessionRow = readonly [
  sessionId: string,
  tokens: number,
  timeMs: number,
  cost: number,
  turns: number,
  checksum: number,
];

export type BindingRow = readonly [
  poolId: string,
  replicaId: string,
  engine: string,
  url: string,
  source: string,
  ttlMs: number | null,
  apiKeyFile: string | null,
  slotsTotal: number | null,
  checksum: number,
];

export type DrainRow = readonly [poolId: string, deadlineMs: number, deadlineAtMs: number, checksum: number];

export type NoteRow = readonly [name: string, text: string, checksum: number];

export const noteColumns = 'name, text, checksum';

export const drainColumns = 'pool_id, deadline_ms, deadline_at, checksum';

export const bindingColumns = 'pool_id, replica_id, engine, url, source, ttl_ms, api_key_file, slots_total, checksum';

/** CRC-32 over all cells of a row but the last, which holds it: one bit flipped anywhere is always seen. */
export function checksumOf(cells: readonly Cell[]): number {
  return crc32(cells.join('\0'));
}

/** A row with its checksum put at the end. */
export function sealed<Row extends readonly Cell[]>(...cells: Head<Row>): Row {
  return [...cells, checksumOf(cells)] as unknown as Row;
}

export function isIntact(row: readonly unknown[]): boolean {
  return checksumOf(row.slice(0, -1) as Cell[]) === row.at(-1);
}

type Head<Row extends readonly Cell[]> = Row extends readonly [...infer Cells extends readonly Cell[], Cell]
  ? Cells
  : never;
