import type { EngineProbe } from '../../engines/engine-adapter.port';

/** A replica is called dead after this many probes in a row found nobody: one alone may be a hiccup. */
const DEAD_AFTER_FAILURES = 2;

/** What the probes of one engine add up to. */
export class ReplicaHealth {
  /** What the engine said the last time it was ready; kept while it is not, for it describes the same process. */
  facts: EngineProbe | undefined;
  /** Wall clock. */
  lastSeenMs: number | undefined;
  private last: EngineProbe | undefined;
  private lastAnswer: 'ready' | 'loading' | 'busy' | undefined;
  private failures = 0;

  /** Whether it is known how the engine is: by its own word, or by that it gave none often enough. */
  get probed(): boolean {
    const { failures, lastAnswer } = this;
    return lastAnswer === 'ready' || lastAnswer === 'loading' || failures >= DEAD_AFTER_FAILURES;
  }

  /** From the first answer on, until none comes any more. */
  get live(): boolean {
    return this.lastAnswer !== undefined && this.failures < DEAD_AFTER_FAILURES;
  }

  /** One missed answer changes nothing yet: an engine in a long prefill may be too busy to give one. */
  get ready(): boolean {
    return this.live && this.lastAnswer === 'ready';
  }

  /** Why it is not ready, in words; undefined when it is. */
  get fault(): string | undefined {
    if (this.ready) return undefined;
    switch (this.last?.state) {
      case undefined:
        return 'The engine has not been asked yet.';
      case 'unreachable':
        return this.last.reason ?? 'The engine cannot be reached.';
      case 'loading':
      case 'busy':
      case 'ready':
        return this.last.reason ?? 'The engine is still loading.';
    }
  }

  take(probe: EngineProbe, wallMs: number): void {
    this.last = probe;
    if (probe.state === 'unreachable') {
      this.failures++;
      return;
    }
    this.failures = 0;
    this.lastSeenMs = wallMs;
    if (probe.state === 'busy') {
      this.lastAnswer ??= 'busy';
      return;
    }
    this.lastAnswer = probe.state;
    if (probe.state === 'ready') this.facts = probe;
  }

  /** Equal for two moments between which nobody who looks at the replica could tell a difference. */
  fingerprint(): string {
    const { probed, live, ready, fault, facts } = this;
    // These change with every task, and nobody decides anything by them.
    const fixed = {
      ...facts,
      slotsBusy: undefined,
      slotsUnasked: undefined,
      slotsElsewhere: undefined,
      running: undefined,
      waiting: undefined,
      kvUsageRatio: undefined,
    };
    return JSON.stringify([probed, live, ready, fault, fixed]);
  }
}
