import { Alarms, type Alarm } from '../../src/time/alarms';
import { Clock } from '../../src/time/clock';

/** Alarms that ring when a test says so. */
export class HandAlarms extends Alarms {
  private readonly set = new Map<() => void, number>();

  constructor() {
    super(new Clock());
  }

  /** How long those that are set were to take, in milliseconds. */
  get delaysMs(): readonly number[] {
    return [...this.set.values()];
  }

  override after(delayMs: number, ring: () => void): Alarm {
    const own = (): void => ring();
    this.set.set(own, delayMs);
    return { cancel: () => void this.set.delete(own) };
  }

  /** All that are set ring. */
  ring(): void {
    const due = [...this.set.keys()];
    this.set.clear();
    for (const ring of due) ring();
  }
}
