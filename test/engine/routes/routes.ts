import type { Exchange } from '../exchange';

export type Handler = (exchange: Exchange) => void | Promise<void>;

/** By `METHOD /path`. */
export type Routes = Readonly<Record<string, Handler>>;
