import type { EngineCore } from './engine-core';
import type { Exchange } from './exchange';
import type { FaultName, FaultSettings } from './faults';
import type { Refusals } from './refusals';

const PIECE_BYTES = 64 * 1024;
const WEB_PAGE = '<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>\n';

/** Faults that strike when so many tokens were sent, in the order in which they are looked at. */
const atTokens = [
  'garbage',
  'stall-after',
  'error-after',
  'error-field',
  'eof',
  'kill-after',
  'exit-after',
] as const satisfies readonly FaultName[];

/** A fault ended the generation; the connection is dealt with. */
export class EndedByFault extends Error {}

/** Applies the faults that keep a request from the engine altogether. True where one of them answered it. */
export function refusedByFault(
  { faults }: EngineCore,
  exchange: Exchange,
  refusals: Refusals,
  stream: boolean,
): boolean {
  if (faults.strikes('reset')) exchange.reset();
  else if (faults.strikes('html')) exchange.send(200, 'text/html', WEB_PAGE);
  else if (faults.strikes('503')) exchange.sendError(refusals.unavailable(stream));
  else if (faults.strikes('429')) exchange.sendError(refusals.tooMany(stream));
  else if (faults.strikes('400')) exchange.sendError(refusals.bad('refused by a fault', stream));
  else if (faults.strikes('context-500')) exchange.sendError(refusals.tooLongOld?.() ?? refusals.tooLong(2, 1, stream));
  else if (faults.strikes('engine-dead')) exchange.sendError(refusals.failed(stream));
  else return false;
  return true;
}

/** The faults of one generation, as they stood when it began. */
export class Misbehaviour {
  private readonly faults: FaultSettings;
  private readonly struck = new Set<FaultName>();

  constructor(
    private readonly core: EngineCore,
    private readonly exchange: Exchange,
    private readonly signal: AbortSignal,
    private readonly refusals: Refusals,
    private readonly streaming: boolean,
  ) {
    this.faults = core.faults.settings;
  }

  async beforePrefill(): Promise<void> {
    const slowMs = this.faults['slow-headers'];
    if (slowMs !== undefined) await this.core.pacer.delay(slowMs, this.signal);
  }

  async inPrefill(): Promise<void> {
    const { faults } = this.core;
    if (faults.strikes('stall-prefill')) await faults.switchedOff('stall-prefill', this.signal);
    await faults.unwedged();
    if (faults.isOn('engine-still')) await faults.switchedOff('engine-still', this.signal);
  }

  /** Tokens that may be sent before a fault strikes. */
  tokensUntilNext(sent: number): number {
    const ahead = atTokens.map(name => this.faults[name]).filter(at => at !== undefined && at > sent);
    return Math.min(...ahead.map(at => (at ?? 0) - sent));
  }

  /** Applies what is due after so many tokens. Throws {@link EndedByFault} where nothing can follow. */
  async after(sent: number): Promise<void> {
    const { faults } = this.core;
    await faults.unwedged();
    if (faults.isOn('engine-still')) await faults.switchedOff('engine-still', this.signal);
    if (sent === 0 && this.isNew('huge-line')) await this.sendHugeLine(this.faults['huge-line'] ?? 0);
    for (const name of atTokens) {
      const at = this.faults[name];
      if (at !== undefined && sent >= at && this.isNew(name)) await this.strike(name);
    }
  }

  /** Applies a clean end of the body where the last frame should come. */
  async atEnd(): Promise<void> {
    if (this.faults.eof !== undefined) await this.strike('eof');
  }

  private isNew(name: FaultName): boolean {
    if (this.faults[name] === undefined || this.struck.has(name)) return false;
    this.struck.add(name);
    return true;
  }

  private async strike(name: (typeof atTokens)[number]): Promise<void> {
    if (this.exchange.begun) await this.exchange.flushed();
    switch (name) {
      case 'garbage':
        if (this.streaming) this.exchange.stream([this.refusals.brokenFrame]);
        return;
      case 'stall-after':
        return this.core.faults.switchedOff('stall-after', this.signal);
      case 'error-after':
      case 'error-field':
        this.fail(name === 'error-field');
        break;
      case 'eof':
        if (this.streaming) this.exchange.endStream();
        else this.exchange.send(200, 'application/json; charset=utf-8', '');
        break;
      case 'kill-after':
        this.exchange.destroy();
        break;
      case 'exit-after':
        this.core.die();
        break;
    }
    throw new EndedByFault(name);
  }

  private fail(asBefore: boolean): void {
    const { exchange, refusals } = this;
    if (!this.streaming) return exchange.sendError(refusals.failed(false));
    exchange.stream((asBefore ? refusals.failedLateOld?.() : undefined) ?? refusals.failedLate());
    exchange.endStream();
  }

  /** One well-formed frame, made as it is read: its size costs no memory here. */
  private async sendHugeLine(bytes: number): Promise<void> {
    if (!this.streaming) return;
    const filling = Buffer.alloc(PIECE_BYTES, 'x');
    const [before, behind] = this.refusals.hugeFrame;
    this.exchange.stream([before]);
    for (let left = bytes; left > 0; left -= PIECE_BYTES) {
      await this.exchange.drained();
      this.exchange.stream([filling.subarray(0, Math.min(left, PIECE_BYTES))]);
    }
    this.exchange.stream([behind]);
  }
}
