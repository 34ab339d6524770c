import type { ArtifactQuery } from '../../artifacts/artifact-store.port';
import { TurnoverMap } from '../../collections/turnover-map';
import { TurnoverSet, type Seat } from '../../collections/turnover-set';
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

interface Entry {
  readonly put: PutUnderWay;
  /** Settles as its work does. */
  readonly done: Promise<void>;
}

/** Puts of transcripts that are under way, for those who look for what they store: their tasks may have been told to have ended. */
export class PutsUnderWay {
  private readonly puts = new TurnoverSet<Entry>();
  private readonly byId = new TurnoverMap<string, readonly Entry[]>();

  /** @param hurry somebody waits from now on for what nobody waited for before */
  constructor(
    private readonly alarms: Alarms,
    private readonly hurry: () => void,
  ) {}

  /** Resolves or rejects as the work does. */
  async during(put: PutUnderWay, work: () => Promise<void>): Promise<void> {
    const before = this.byId.get(put.id) ?? [];
    // It comes after them.
    this.await(before);
    const mine: Entry = { put, done: work() };
    const seat = this.puts.add(mine);
    this.byId.set(put.id, [...before, mine]);
    try {
      await mine.done;
    } finally {
      this.over(mine, seat);
    }
  }

  /** Somebody waits for what they take up. */
  hurryAll(): void {
    this.await(this.puts.items());
  }

  /** Resolves when those of an artifact have ended, however, or after {@link PATIENCE_MS}; undefined where there are none. */
  of(id: string): Promise<void> | undefined {
    const same = this.byId.get(id);
    return same && this.ended(same);
  }

  /** Of those that a list may show; as {@link of}. */
  listed({ kind, taskId }: ArtifactQuery): Promise<void> | undefined {
    if (this.puts.size === 0 || kind === 'document') return undefined;
    const asked = this.puts.items().filter(({ put }) => taskId === undefined || put.taskId === taskId);
    return asked.length === 0 ? undefined : this.ended(asked);
  }

  private over(entry: Entry, seat: Seat<Entry>): void {
    const { id } = entry.put;
    this.puts.delete(seat);
    const others = this.byId.get(id)?.filter(other => other !== entry) ?? [];
    if (others.length > 0) this.byId.set(id, others);
    else this.byId.delete(id);
  }

  private async ended(entries: readonly Entry[]): Promise<void> {
    this.await(entries);
    let alarm: Alarm | undefined;
    const patience = new Promise<void>(resolve => (alarm = this.alarms.after(PATIENCE_MS, resolve)));
    await Promise.race([Promise.allSettled(entries.map(({ done }) => done)), patience]);
    alarm?.cancel();
  }

  private await(entries: readonly Entry[]): void {
    let areHurried = false;
    for (const { put } of entries) {
      areHurried ||= !put.isAwaited;
      put.isAwaited = true;
    }
    if (areHurried) this.hurry();
  }
}
