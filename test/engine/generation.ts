import { Departure } from './departure';
import type { EngineCore } from './engine-core';
import type { Exchange } from './exchange';
import type { GenerationRequest } from './generation-request';
import { keptAlive } from './keep-alive';
import { EndedByFault, refusedByFault } from './misbehaviour';
import type { ModelInstance } from './model-instance';
import type { OutputFormat } from './output-format';
import type { RunResult } from './run-times';
import { Sequence } from './sequence';
import type { SlotLease } from './slots';
import { WireError } from './wire-error';

/**
 * Answers one request for a generation: each of its sequences waits for a slot, reads the prompt, sends its tokens at the
 * engine's pace. The request ends with the last of them, or where a route of the engine's aborts it.
 */
export async function serveGeneration(
  core: EngineCore,
  instance: ModelInstance,
  exchange: Exchange,
  requests: readonly GenerationRequest[],
  format: OutputFormat,
  aborting?: AbortSignal,
): Promise<void> {
  const stream = requests[0]?.stream ?? false;
  if (requests.length === 0) throw format.refusals.bad('there is nothing to generate for', stream);
  if (refusedByFault(core, exchange, format.refusals, stream)) return core.ledger.count('faulted');
  const { ctxTokens, maxRequests } = core.settings;
  if (maxRequests > 0 && !format.takesAll && instance.requests >= maxRequests) throw format.refusals.full(stream);
  const long = requests.find(({ promptTokens }) => promptTokens >= ctxTokens);
  if (long) throw format.refusals.tooLong(long.promptTokens, ctxTokens, stream);
  exchange.cutsCharacters = core.faults.strikes('split-utf8');
  const departure = new Departure(core, exchange.signal, format.noticesLate);
  // What ends one of several sequences ends the others.
  const ended = requests.length > 1 ? new AbortController() : undefined;
  const signals = [departure.signal, instance.closed];
  if (ended) signals.push(ended.signal);
  if (aborting) signals.push(aborting);
  const signal = AbortSignal.any(signals);
  const results: RunResult[] = [];
  let started = false;
  let over = false;
  let left = requests.length;

  const run = async (request: GenerationRequest, index: number): Promise<void> => {
    let lease: SlotLease | undefined;
    try {
      lease = await instance.pool.acquire(request, signal);
      if (!started) core.ledger.count('started');
      started = true;
      const parts = [core, instance, exchange, departure, format, signal] as const;
      results[index] = await new Sequence(...parts, lease.slot, request, index, requests.length > 1).run();
      if (--left === 0) finish(exchange, format, results, stream);
    } catch (error) {
      if (!over) fail(error);
    } finally {
      lease?.release();
    }
  };
  let unexpected: Error | undefined;
  const fail = (error: unknown) => {
    over = true;
    ended?.abort();
    if (error instanceof EndedByFault) return core.ledger.count('faulted');
    if (aborting?.aborted && !departure.signal.aborted) {
      const said = format.aborted?.(stream);
      if (said) exchange.sendError(said);
      else exchange.destroy();
      return core.ledger.count('aborted');
    }
    if (!departure.signal.aborted && !instance.closed.aborted)
      return void (unexpected = error instanceof Error ? error : new Error(String(error)));
    // An unloaded model takes its connections with it, as its process would.
    exchange.destroy();
    core.ledger.count('aborted');
  };

  if (stream && format.headAt === 'request') exchange.openStream();
  const restless = stream ? keptAlive(core, exchange, format.refusals.keepAlive) : undefined;
  instance.requests++;
  await (requests.length === 1 && requests[0] ? run(requests[0], 0) : Promise.all(requests.map(run)));
  instance.requests--;
  restless?.();
  if (unexpected) throw unexpected;
  if (left === 0) core.ledger.count('finished');
}

function finish(exchange: Exchange, format: OutputFormat, results: readonly RunResult[], stream: boolean): void {
  if (!stream && format.chunked) {
    const frames = [JSON.stringify(format.plain(results))];
    return exchange.sendError(new WireError(200, '', { contentType: exchange.types.json, frames }));
  }
  if (!stream) return exchange.sendJson(200, format.plain(results), format.headers?.(results));
  exchange.stream(format.end(results));
  exchange.endStream();
}
