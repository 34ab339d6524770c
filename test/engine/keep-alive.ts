import type { EngineCore } from './engine-core';
import type { Exchange } from './exchange';

/**
 * Comments in the silence of a stream whose head is sent, each after `keepAliveMs` in which nothing was. Returns what ends
 * it. Nothing is counted per token for it: the connection's own count of bytes tells.
 */
export function keptAlive(
  { settings: { keepAliveMs } }: EngineCore,
  exchange: Exchange,
  comment: string | undefined,
): () => void {
  if (keepAliveMs === 0 || comment === undefined) return () => undefined;
  let seen = -1;
  const timer = setInterval(() => {
    if (exchange.isGone || !exchange.begun) return;
    if (exchange.bytesWritten === seen) exchange.stream([comment]);
    seen = exchange.bytesWritten;
  }, keepAliveMs);
  return () => clearInterval(timer);
}
