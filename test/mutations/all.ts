import { apiRecordMutations, contentMutations, leaseMutations } from './contents';
import { eventLogMutations } from './event-log';
import { artifactMutations, catalogMutations } from './files';
import { journalMutations } from './journal';
import { noteMutations, poolStoreMutations, recordMutations, sessionMutations } from './kept';
import { ledgerMutations } from './ledger';
import { poolMutations } from './pools';
import type { Mutation } from './mutation';

/** By port. */
export const mutationsOf: Readonly<Record<string, readonly Mutation[]>> = {
  TaskLedger: ledgerMutations,
  TaskJournal: journalMutations,
  EventLog: eventLogMutations,
  PoolRegistry: poolMutations,
  ModelCatalog: catalogMutations,
  ArtifactStore: artifactMutations,
  ApiRecords: apiRecordMutations,
  FileContents: contentMutations,
  RecordLeases: leaseMutations,
  TaskRecords: recordMutations,
  PoolStore: poolStoreMutations,
  Notes: noteMutations,
  SessionStore: sessionMutations,
};
