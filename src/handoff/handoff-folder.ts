import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { versionOfFile } from '../files/small-file';
import { Narrator } from '../observability/narrator';
import { readHandoff, type HandoffReading } from './handoff-file';

/** More files than engines fit on any machine; the rest is left alone. */
const MAX_FILES = 1024;
/** Entries read at once. */
const READ_AHEAD = 256;

/** The folder as it lies there: which files it has, and whether one has changed. Whatever is wrong with it is told once. */
@Injectable()
export class HandoffFolder {
  private wasReadable = true;
  private wasFlooded = false;

  constructor(
    private readonly config: Config,
    private readonly narrator: Narrator,
  ) {}

  /** There were more files than are looked at when it was last listed. */
  get isFlooded(): boolean {
    return this.wasFlooded;
  }

  readHandoff(file: string): Promise<HandoffReading> {
    return readHandoff(this.config.runtimeDir, join(this.config.runtimeDir, file));
  }

  /**
   * At most {@link MAX_FILES} names; those in `known` keep their place, so that nobody can push one out by adding files.
   * An absent folder has no files; it may be made later. Undefined: it cannot be read for the moment.
   */
  async list(known: ReadonlyMap<string, unknown>): Promise<readonly string[] | undefined> {
    try {
      const { names, isFlooded } = await this.read(known);
      if (isFlooded && !this.wasFlooded) {
        const human = `The handoff folder has more than ${MAX_FILES} files; the rest is left alone.`;
        this.narrator.warn(human, { event: 'handoff_flooded' });
      }
      this.wasFlooded = isFlooded;
      this.wasReadable = true;
      return names;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
      if (this.wasReadable)
        this.narrator.warn('The handoff folder cannot be read.', { event: 'handoff_unreadable' }, cause);
      this.wasReadable = false;
      return undefined;
    }
  }

  /** Changes with the file, and with what a link leads to; undefined for one that is gone already. */
  versionOf(file: string): Promise<string | undefined> {
    return versionOfFile(this.config.runtimeDir, join(this.config.runtimeDir, file));
  }

  private async read(known: ReadonlyMap<string, unknown>): Promise<{ names: string[]; isFlooded: boolean }> {
    const kept: string[] = [];
    const others: string[] = [];
    let count = 0;
    for await (const { name } of await opendir(this.config.runtimeDir, { bufferSize: READ_AHEAD })) {
      if (!name.endsWith('.json') || name.startsWith('.')) continue;
      count++;
      if (known.has(name)) kept.push(name);
      else if (others.length < MAX_FILES) others.push(name);
    }
    const names = [...kept, ...others.slice(0, Math.max(0, MAX_FILES - kept.length))];
    return { names: names.sort(), isFlooded: count > names.length };
  }
}
