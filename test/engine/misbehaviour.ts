import type { EngineCore } from './engine-core';
import type { Exchange } from './exchange';
import type { FaultName, FaultSettings } from './faults';
import { wireErrors } from './wire/errors';

const PIECE_BYTES = 64 * 1024;
const WEB_PAGE = '<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>\n';
const BROKEN_FRAME = 'data: {"index":0,"content":" bro\n\n';

/** Faults that strike when so many tokens were sent, in the order in which they are looked at. */
const atTokens = [
  'garbage',
  'stall-after',
  'error-field',
  'eof',
  'kill-after',
  'exit-after',
] as const satisfies readonly FaultName[];

/** A fault ended the generation; the connection is dealt with. */
export class EndedByFault extends Error {}

/** Applies the faults that keep a request from the engine altogether. True where one of them answered it. */
export function refusedByFault({ faults }: EngineCore, exchange: Exchange): boolean {
  if (faults.strikes('reset')) exchange.reset();
  else if (faults.strikes('html')) exchange.send(200, 'text/html', WEB_PAGE);
  else if (faults.strikes('503')) sendError(exchange, wireErrors.loading());
  else if (faults.strikes('429')) sendError(exchange, wireErrors.tooManyRequests(), [['Retry-After', '1']]);
  else if (faults.strikes('400')) sendError(exchange, wireErrors.invalid('refused by a fault'));
  else if (faults.strikes('context-500')) sendError(exchange, wireErrors.tooLongAsFailure());
  else return false;
  return true;
}

function sendError(
  exchange: Exchange,
  { status, body }: { readonly status: number; readonly body: object },
  headers: readonly (readonly [string, string])[] = [],
): void {
  exchange.sendJson(status, body, headers);
}

/** The faults of one generation, as they stood when it began. */
export class Misbehaviour {
  private readonly faults: FaultSettings;
  private readonly struck = new Set<FaultName>();

  constructor(
    private readonly core: EngineCore,
    private readonly exchange: Exchange,
    private readonly signal: AbortSignal,
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
  }

  /** Tokens that may be sent before a fault strikes. */
  tokensUntilNext(sent: number): number {
    const ahead = atTokens.map(name => this.faults[name]).filter(at => at !== undefined && at > sent);
    return Math.min(...ahead.map(at => (at ?? 0) - sent));
  }

  /** Applies what is due after so many tokens. Throws {@link EndedByFault} where nothing can follow. */
  async after(sent: number): Promise<void> {
    await this.core.faults.unwedged();
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
        if (this.streaming) this.exchange.stream([BROKEN_FRAME]);
        return;
      case 'stall-after':
        return this.core.faults.switchedOff('stall-after', this.signal);
      case 'error-field':
        if (this.streaming) this.exchange.stream([`error: ${JSON.stringify(wireErrors.tooLongAsFailure().error)}\n\n`]);
        this.exchange.endStream();
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

  /** One well-formed frame, made as it is read: its size costs no memory here. */
  private async sendHugeLine(bytes: number): Promise<void> {
    if (!this.streaming) return;
    const filling = Buffer.alloc(PIECE_BYTES, 'x');
    this.exchange.stream(['data: {"index":0,"content":"']);
    for (let left = bytes; left > 0; left -= PIECE_BYTES) {
      await this.exchange.drained();
      this.exchange.stream([filling.subarray(0, Math.min(left, PIECE_BYTES))]);
    }
    this.exchange.stream(['","tokens":[],"stop":false}\n\n']);
  }
}
