import type { ArtifactQuery } from '../../artifacts/artifact-store.port';
import type { Alarm, Alarms } from '../../time/alarms';

/** As long as an ending waits for its transcript: a disk that hangs does not keep others from what there is. */
const PATIENCE_MS = 1000;

/** A transcript whose put has been asked for and has not ended. */
export interface PutUnderWay {
  readonly id: string;
  readonly taskId: string | undefined;
  /** Somebody waits for it. */
  isAwaited: boolean;
}

/** Puts of transcripts that are under way, for those who look for what they store: their tasks may have been told to have ended. */
export class PutsUnderWay {
  private readonly puts = new Map<PutUnderWay, Promise<void>>();
  private readonly byId = new Map<string, Set<PutUnderWay>>();

  /** @param hurry somebody waits from now on for what nobody waited for before */
  constructor(
    private readonly alarms: Alarms,
    private readonly hurry: () => void,
  ) {}

  /** Resolves or rejects as the work does. */
  async during(put: PutUnderWay, work: () => Promise<void>): Promise<void> {
    const same = this.byId.get(put.id) ?? new Set();
    // It comes after them.
    this.await(same);
    this.byId.set(put.id, same.add(put));
    const done = work();
    this.puts.set(put, done);
    try {
      await done;
    } finally {
      this.puts.delete(put);
      same.delete(put);
      if (same.size === 0) this.byId.delete(put.id);
    }
  }

  /** Somebody waits for what they take up. */
  hurryAll(): void {
    this.await(this.puts.keys());
  }

  /** Resolves when those of an artifact have ended, however, or after {@link PATIENCE_MS}; undefined where there are none. */
  of(id: string): Promise<void> | undefined {
    const same = this.byId.get(id);
    return same && this.ended([...same]);
  }

  /** Of those that a list may show; as {@link of}. */
  listed({ kind, taskId }: ArtifactQuery): Promise<void> | undefined {
    if (this.puts.size === 0 || kind === 'document') return undefined;
    const asked = [...this.puts.keys()].filter(put => taskId === undefined || put.taskId === taskId);
    return asked.length === 0 ? undefined : this.ended(asked);
  }

  private async ended(puts: readonly PutUnderWay[]): Promise<void> {
    this.await(puts);
    let alarm: Alarm | undefined;
    const patience = new Promise<void>(resolve => (alarm = this.alarms.after(PATIENCE_MS, resolve)));
    await Promise.race([Promise.allSettled(puts.flatMap(put => this.puts.get(put) ?? [])), patience]);
    alarm?.cancel();
  }

  private await(puts: Iterable<PutUnderWay>): void {
    let areHurried = false;
    for (const put of puts) {
      areHurried ||= !put.isAwaited;
      put.isAwaited = true;
    }
    if (areHurried) this.hurry();
  }
}
