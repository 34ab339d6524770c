import type { EngineCore } from '../engine-core';
import type { Exchange } from '../exchange';
import type { HttpDialect } from '../http-dialect';
import type { ModelInstance } from '../model-instance';
import type { Handler, Routes } from '../routes/routes';
import type { WireError } from '../wire-error';

/** One engine's way to speak: its HTTP server's, and the routes behind that. */
export interface Wire {
  readonly http: HttpDialect;
  server(core: EngineCore): Server;
  /** The answer to a request on which the stand-in itself stumbled. */
  internal(message: string): WireError;
}

/** A server's routes, and the models behind them. */
export interface Server {
  readonly routes: Routes;
  /** A route whose path has a name in it. */
  find?(method: string, path: string): Handler | undefined;
  /** Loaded now. */
  instances(): readonly ModelInstance[];
  /** Whether `loadMs` is what the whole server takes at its start, rather than each of its models. */
  readonly loadsAtStart: boolean;
  /** Throws the answer to who is not let in: for want of a key, or while it loads. */
  admit(exchange: Exchange, route: string): void;
  /** The answer where there is no such route. */
  unrouted(exchange: Exchange): WireError;
  /** Routes that neither wake the engine nor keep it awake. */
  readonly openWhileAsleep: ReadonlySet<string>;
}
