import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/config';
import type { Narrator } from '../../observability/narrator';
import { Clock } from '../../time/clock';
import { UNFINISHED } from '../sqlite/opening/unfinished-move';
import { DataFolder, RUNNING_TIME } from './data-folder';
import { EmbeddedSource } from './embedded-source';
import { MoveRefused, type Moved, type MovedKind, type MoveSource, type MoveTarget } from './moved';

/** What the parts of a data folder are called; the journal is the last to be put in its place, for it is what a start looks for. */
const PARTS = ['catalog', 'artifacts', 'records', 'files', RUNNING_TIME, 'journal'];
const EVENTS_AT_ONCE = 500;

/** A data folder that is made by the move, beside itself until it is whole. */
export class EmbeddedTarget implements MoveTarget {
  readonly name: string;
  private readonly building: string;
  private readonly data: DataFolder;
  private isOpen = false;

  constructor(
    private readonly config: Config,
    private readonly narrator: Narrator,
  ) {
    this.name = config.dataDir;
    this.building = join(config.dataDir, UNFINISHED);
    this.data = new DataFolder(this.buildingConfig(), narrator);
  }

  async begin(): Promise<void> {
    const { dataDir } = this.config;
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    if (existsSync(this.building))
      for (const name of [...PARTS, UNFINISHED]) rmSync(join(dataDir, name), { recursive: true, force: true });
    const found = readdirSync(dataDir).filter(name => name !== 'lost+found' && !isEmptyFolder(join(dataDir, name)));
    if (found.length > 0)
      throw new MoveRefused(
        `${this.name} is not empty: it holds ${found.slice(0, 5).join(', ')}; name a folder that is`,
      );
    mkdirSync(this.building, { mode: 0o700 });
    await this.data.open();
    this.isOpen = true;
  }

  /** It has had no time of its own yet: it goes on with that of what is moved. */
  async nowMs(): Promise<number> {
    return new Clock().wallMs();
  }

  async put<K extends MovedKind>(kind: K, item: Moved[K]): Promise<void> {
    const puts: { readonly [Kind in MovedKind]: (moved: Moved[Kind]) => Promise<unknown> } = {
      notes: ([name, text]) => this.data.journal.saveNote(name, text),
      bindings: binding => this.data.journal.saveBinding(binding),
      drains: drain => this.data.journal.saveDrain(drain),
      models: model => this.data.catalog.create(model),
      sessions: session => this.data.journal.saveSession(session),
      tasks: task => this.putTask(task),
      artifacts: artifact => this.putArtifact(artifact),
      records: record => this.data.records.insert(record),
      contents: ({ id, atByte, piece }) => this.data.contents.append(id, atByte, piece),
    };
    await puts[kind](item);
  }

  async written(): Promise<MoveSource> {
    await this.shut();
    writeFileSync(join(this.building, RUNNING_TIME), `${Math.floor(await this.nowMs())}\n`, { mode: 0o600 });
    const written = new EmbeddedSource(this.buildingConfig(), this.narrator, this.name);
    await written.open();
    return written;
  }

  async finish(): Promise<void> {
    for (const name of PARTS) {
      const from = join(this.building, name);
      const to = join(this.config.dataDir, name);
      // An empty folder is in nobody's way.
      if (existsSync(from)) {
        rmSync(to, { recursive: true, force: true });
        renameSync(from, to);
      }
    }
    rmdirSync(this.building);
  }

  close(): Promise<void> {
    return this.shut();
  }

  private async shut(): Promise<void> {
    if (this.isOpen) await this.data.close();
    this.isOpen = false;
  }

  private async putTask({ spec, facts, firstTokenMarked, placement, ending, events }: Moved['tasks']): Promise<void> {
    const { journal } = this.data;
    const { taskId } = spec;
    await journal.admit(spec, facts);
    for (let at = 0; at < events.length; at += EVENTS_AT_ONCE)
      journal.copyEvents(taskId, at + 1, events.slice(at, at + EVENTS_AT_ONCE));
    const nowhere = { engine: '', engineVersion: '', poolId: '', replicaId: '' };
    if (firstTokenMarked) await journal.markFirstToken(taskId, placement ?? nowhere);
    if (ending) await journal.end(ending);
  }

  private async putArtifact({ info, json }: Moved['artifacts']): Promise<void> {
    this.data.clock.wall = info.createdAtMs;
    this.data.time.now = info.storedAtMs;
    await this.data.artifacts.put({ id: info.id, json }, info.kind, info.taskId);
  }

  private buildingConfig(): Config {
    return { ...this.config, dataDir: this.building };
  }
}

/** A start that was refused may have left some. */
function isEmptyFolder(path: string): boolean {
  return statSync(path).isDirectory() && readdirSync(path).length === 0;
}
