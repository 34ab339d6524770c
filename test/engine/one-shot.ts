import { Departure } from './departure';
import type { EngineCore } from './engine-core';
import type { Exchange } from './exchange';
import type { GenerationRequest } from './generation-request';
import { EndedByFault, Misbehaviour, refusedByFault } from './misbehaviour';
import type { ModelInstance } from './model-instance';
import type { Refusals } from './refusals';
import type { SlotLease } from './slots';
import { tokenize } from './vocabulary';

/** Tokens of all texts. */
export function tokensOf(texts: readonly string[]): number {
  return texts.reduce((all, text) => all + tokenize(text).length, 0);
}

/**
 * Answers one request that generates nothing, such as one for embeddings: it takes a slot for as long as its texts are
 * read, and meets those faults that come before a token.
 */
export async function serveOnce(
  core: EngineCore,
  instance: ModelInstance,
  exchange: Exchange,
  texts: readonly string[],
  refusals: Refusals,
  answer: () => object,
): Promise<void> {
  const { ctxTokens, maxRequests } = core.settings;
  if (refusedByFault(core, exchange, refusals, false)) return core.ledger.count('faulted');
  if (maxRequests > 0 && instance.requests >= maxRequests) throw refusals.full(false);
  const long = texts.map(text => tokenize(text).length).find(tokens => tokens >= ctxTokens);
  if (long !== undefined) throw refusals.tooLong(long, ctxTokens, false);
  const { signal } = new Departure(core, exchange.signal);
  const misbehaviour = new Misbehaviour(core, exchange, signal, refusals, false);
  instance.requests++;
  let lease: SlotLease | undefined;
  try {
    lease = await instance.pool.acquire(requestFor(texts), signal);
    core.ledger.count('started');
    await misbehaviour.beforePrefill();
    if (core.controls.prefillMs > 0) await core.pacer.delay(core.controls.prefillMs, signal);
    await misbehaviour.inPrefill();
    // Of the faults that strike after some tokens those strike that are due at once.
    await misbehaviour.after(0);
    signal.throwIfAborted();
    exchange.sendJson(200, answer());
    core.ledger.count('finished');
  } catch (error) {
    if (error instanceof EndedByFault) return core.ledger.count('faulted');
    if (!signal.aborted) throw error;
    exchange.destroy();
    core.ledger.count('aborted');
  } finally {
    lease?.release();
    instance.requests--;
  }
}

function requestFor(texts: readonly string[]): GenerationRequest {
  const rest = { seed: 0, maxTokens: 0, ignoreEos: false, stop: [], stream: false };
  return { prompt: texts.join('\n'), promptTokens: tokensOf(texts), ...rest };
}
