import type {
  ApiRecord,
  FileRemoval,
  KeptRecord,
  RecordKind,
  RecordPage,
  RecordTotals,
} from '../../records/api-records.port';

/** What the thread is asked. A message holds all requests of one turn; its answer has an outcome for each, in their order. */
export type RecordsRequest =
  | { readonly verb: 'insert' | 'replace'; readonly record: ApiRecord }
  | { readonly verb: 'insertFor'; readonly record: ApiRecord; readonly fileId: string }
  | { readonly verb: 'revise'; readonly record: ApiRecord; readonly was: string }
  | { readonly verb: 'remove' | 'find'; readonly kind: RecordKind; readonly id: string }
  | { readonly verb: 'removeFile'; readonly id: string }
  | { readonly verb: 'list'; readonly page: RecordPage }
  | { readonly verb: 'open' | 'totals'; readonly kind: RecordKind }
  | { readonly verb: 'trim'; readonly kind: RecordKind; readonly most: RecordTotals; readonly limit: number }
  | { readonly verb: 'expired'; readonly kind: RecordKind; readonly keptBeforeMs: number; readonly limit: number }
  | { readonly verb: 'close' };

export type RecordsValue =
  boolean | FileRemoval | RecordTotals | KeptRecord | readonly KeptRecord[] | readonly string[] | undefined;

export type RecordsOutcome = { readonly value: RecordsValue } | { readonly failure: string };

export interface RecordsMessage {
  readonly outcomes: readonly RecordsOutcome[];
  /** The file was damaged: it was put aside, and a new one begun. */
  readonly wasDamaged?: true;
}
