import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Config } from '../../config/config';
import { RunningTime } from '../../time/running-time';
import { makeFolder, writeAtomically } from './atomic-file';

/** What a kill can take: things are kept so much longer. */
const EVERY_MS = 60_000;
const form = /^\d{1,16}\n$/;

/** Keeps {@link RunningTime} over restarts: a file of one number in the data folder. */
@Injectable()
export class RunningTimeFile implements OnModuleDestroy, OnModuleInit {
  private readonly path: string;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly config: Config,
    private readonly time: RunningTime,
  ) {
    this.path = join(config.dataDir, 'running-time');
  }

  /** Where there is no such file, what is stored tells the time, see {@link RunningTime.resumeAfter}. */
  async onModuleInit(): Promise<void> {
    await makeFolder(this.config.dataDir);
    try {
      const text = readFileSync(this.path, 'latin1');
      if (form.test(text)) this.time.resumeAfter(Number(text));
    } catch {
      // The first start, or not to be read: the same.
    }
  }

  async onModuleDestroy(): Promise<void> {
    await this.save();
  }

  /** Best effort: without it what is stored is kept for longer, never for less. */
  @Interval(EVERY_MS)
  async save(): Promise<void> {
    this.writing ??= writeAtomically(this.path, `${Math.floor(this.time.nowMs())}\n`)
      .catch(() => undefined)
      .finally(() => (this.writing = undefined));
    await this.writing;
  }
}
