import type { Operation } from './api-document';
import type { Plan } from './plan';

const SHOWN = 20;

/** What a run came to. */
export class Report {
  private readonly statuses = new Map<string, Map<number, number>>();
  private readonly faults = new Map<string, { count: number; readonly plan: Plan }>();
  private total = 0;
  private fitting = 0;

  constructor(private readonly operations: readonly Operation[]) {}

  /** Answers with something off. */
  off = 0;

  answered(plan: Plan, status: number, faults: readonly string[]): void {
    this.total++;
    if (plan.fits && !plan.expected) this.fitting++;
    const { name } = plan.operation;
    const counts = this.statuses.get(name) ?? new Map<number, number>();
    this.statuses.set(name, counts.set(status, (counts.get(status) ?? 0) + 1));
    if (faults.length > 0) this.off++;
    for (const fault of faults) {
      const key = `${name}: ${fault.replace(/[0-9a-f-]{36}/g, '<id>')}`;
      const known = this.faults.get(key);
      if (known) known.count++;
      else this.faults.set(key, { count: 1, plan });
    }
  }

  /** Operations that never answered with success, but for those of which only something that still runs could give one. */
  get unreached(): readonly string[] {
    const hasSucceeded = (name: string): boolean =>
      [...(this.statuses.get(name)?.keys() ?? [])].some(status => status >= 200 && status < 300);
    return this.operations.map(({ name }) => name).filter(name => !hasSucceeded(name) && !/}\/cancel$/.test(name));
  }

  print(seed: number, seconds: number): void {
    const width = Math.max(...this.operations.map(({ name }) => name.length));
    for (const { name } of this.operations) {
      const counts = [...(this.statuses.get(name) ?? [])].sort(([a], [b]) => a - b);
      console.log(
        `${name.padEnd(width)}  ${counts.map(([status, count]) => `${status}×${count}`).join(' ') || 'none'}`,
      );
    }
    const rate = (this.total / seconds).toFixed(0);
    console.log(
      `\nrequests  ${this.total} (seed ${seed}; ${this.fitting} keep to the document) in ${seconds.toFixed(1)} s, ${rate}/s`,
    );
    console.log(`off       ${this.off}`);
    if (this.unreached.length > 0) console.log(`never well  ${this.unreached.join(', ')}`);
    for (const [fault, { count, plan }] of [...this.faults].slice(0, SHOWN)) {
      const { method, target, headers, body } = plan;
      console.log(
        `  ${count} × ${fault}\n      ${method} ${target.slice(0, 300)} ${JSON.stringify(headers)} ${body?.slice(0, 300) ?? ''}`,
      );
    }
    if (this.faults.size > SHOWN) console.log(`  and ${this.faults.size - SHOWN} more`);
  }
}
