import type { EngineCore } from './engine-core';

/**
 * When the engine notices that a client has gone: with `noticeMs` 0 at once, otherwise as llama.cpp does it, when it has
 * something to send to that client, or after that long in which it had nothing to send to anybody.
 */
export class Departure {
  /** Aborted once it is noticed. */
  readonly signal: AbortSignal;
  private readonly noticed = new AbortController();

  constructor(
    private readonly core: EngineCore,
    private readonly gone: AbortSignal,
    /** It looks only when it sends. */
    late = false,
  ) {
    this.signal = this.noticed.signal;
    if (late) return;
    if (gone.aborted) void this.listen();
    else gone.addEventListener('abort', () => void this.listen(), { once: true });
  }

  /** Something is about to be sent to the client. Throws where that shows that it has gone. */
  sending(): void {
    if (this.gone.aborted) this.noticed.abort(this.gone.reason);
    this.signal.throwIfAborted();
    this.core.sendings.sent();
  }

  private async listen(): Promise<void> {
    const { controls, pacer, sendings } = this.core;
    const goneMs = performance.now();
    while (!this.signal.aborted) {
      await this.core.faults.unwedged();
      const leftMs = Math.max(goneMs, sendings.lastMs) + controls.noticeMs - performance.now();
      if (controls.noticeMs === 0 || leftMs <= 0) this.noticed.abort(this.gone.reason);
      else await pacer.delay(leftMs, this.signal).catch(() => undefined);
    }
  }
}
