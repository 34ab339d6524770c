import type { Config } from '../../config/config';
import type { Narrator } from '../../observability/narrator';
import type { Recovery } from '../../tasks/journal/task-journal.port';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import { FolderContents } from '../contents/folder-contents';
import { FileArtifactStore } from '../files/file-artifact-store';
import { FsCatalog } from '../files/fs-catalog';
import { SqliteRecords } from '../records/sqlite-records';
import { SqliteTaskJournal } from '../sqlite/task-journal.sqlite';

/** The file with the running time. */
export const RUNNING_TIME = 'running-time';

/** Drivers of a data folder, as the embedded service has them. */
export class DataFolder {
  readonly journal: SqliteTaskJournal;
  readonly catalog: FsCatalog;
  readonly artifacts: FileArtifactStore;
  readonly records: SqliteRecords;
  readonly contents: FolderContents;
  recovery: Recovery | undefined;
  /** What stores and files are stamped with: set before each put. */
  readonly clock = Object.assign(new Clock(), { wall: 0, wallMs: (): number => this.clock.wall });
  readonly time = Object.assign(new RunningTime(), { now: 0, nowMs: (): number => this.time.now });

  private readonly alarms = new Alarms(this.clock);

  constructor(config: Config, narrator: Narrator) {
    this.journal = new SqliteTaskJournal(config, narrator);
    this.catalog = new FsCatalog(config, narrator);
    this.artifacts = new FileArtifactStore(config, this.clock, this.time, narrator, this.alarms);
    this.records = new SqliteRecords(config, narrator);
    this.contents = new FolderContents(config);
  }

  async open(): Promise<void> {
    this.recovery = await this.journal.recover();
    await this.catalog.onModuleInit();
    await this.artifacts.onModuleInit();
    await this.contents.onModuleInit();
    await this.storeTranscripts(this.recovery);
  }

  async close(): Promise<void> {
    await this.artifacts.onModuleDestroy();
    this.alarms.onModuleDestroy();
    this.catalog.onModuleDestroy();
    await this.records.onApplicationShutdown();
    await this.journal.close();
  }

  /** What the journal held for the artifacts is among them, and named, before anything is read: with the time at which its task ended. */
  private async storeTranscripts({ transcripts }: Recovery): Promise<void> {
    for (const { taskId, transcript } of transcripts) {
      const ending = (await this.journal.find(taskId))?.ending;
      if (!ending) continue;
      this.clock.wall = ending.endedAtMs;
      this.time.now = ending.keptFromMs;
      await this.artifacts.put(transcript, 'transcript', taskId);
      await this.journal.nameTranscript(taskId, transcript.id);
    }
    if (transcripts.length > 0) await this.journal.transcriptsStored();
  }
}
