import type { RunningEngine } from '../engine/engine';
import { eventually } from '../support/deadline';
import type { RunningService } from '../support/service';
import { openEvents } from '../support/sse-client';
import type { SseEvent } from '../support/sse-stream';
import { CopiesWatch } from './copies-watch';
import type { Random } from './random';

/** Nothing is refused by its number before that: what a crash has taken leaves a gap behind. */
const FINISH_MS = 60_000;
const ends: readonly unknown[] = ['completed', 'incomplete', 'failed'];

interface Seen {
  readonly number: number;
  readonly type: string;
  readonly delta: string;
  readonly receivedMs: number;
}

/** One response, and what its reader was told of it over the lives of the service. */
class TrackedResponse {
  id: string | undefined;
  readonly seen: Seen[] = [];
  /** Requests that the engine had had for it when output of it had been seen and the service was killed. */
  runsWhenShown: number | undefined;
  /** Once a kill has interrupted it: until when what its reader had received was copied, at the first of them. */
  copiedMs: number | undefined;

  constructor(
    readonly name: string,
    readonly hasReader: boolean,
  ) {}

  get lastNumber(): number {
    return this.seen.at(-1)?.number ?? -1;
  }

  get hasEnded(): boolean {
    const last = this.seen.at(-1)?.type ?? '';
    return ends.includes(last.replace('response.', ''));
  }

  receive(events: readonly SseEvent[]): void {
    for (const { type, data, receivedMs } of events) {
      const { sequence_number: number, delta = '' } = data as { sequence_number: number; delta?: string };
      this.seen.push({ number, type, delta: type === 'response.output_text.delta' ? delta : '', receivedMs });
    }
  }

  textUntil(ms: number): string {
    return this.seen
      .filter(({ receivedMs }) => receivedMs <= ms)
      .map(({ delta }) => delta)
      .join('');
  }
}

/** What became of all responses together. */
export interface ResponsesOutcome {
  readonly made: number;
  /** How they ended. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly withReader: number;
  /** Responses of which output had been seen, and that the engine was asked for again. */
  readonly ranAgain: number;
  /** What is wrong, in words; nothing should be. */
  readonly faults: readonly string[];
}

/**
 * Keeps a number of responses in the background going while the service is killed over and over, follows most of their streams from where
 * those broke off, and in the end holds each against what its reader was told.
 */
export class BackgroundResponses {
  private readonly responses: TrackedResponse[] = [];
  private readonly readings = new Set<Promise<void>>();
  private service: RunningService | undefined;
  private copies: CopiesWatch | undefined;

  constructor(
    private readonly engine: RunningEngine,
    private readonly random: Random,
    private readonly atOnce: number,
  ) {}

  /** From now on this process is asked; those that had not ended are followed on. */
  use(service: RunningService): void {
    this.service = service;
    this.copies = new CopiesWatch(service);
    for (const response of this.responses) if (response.hasReader && !response.hasEnded) this.follow(response);
  }

  /** Makes as many as have ended meanwhile. Never rejects: the service may be killed, and who has no id has nothing. */
  async topUp(): Promise<void> {
    const states = await Promise.all(this.responses.map(({ id }) => this.statusOf(id).catch(() => undefined)));
    const open = states.filter(status => status === 'queued' || status === 'in_progress').length;
    await Promise.all(Array.from({ length: Math.max(0, this.atOnce - open) }, () => this.begin()));
  }

  /** Right after the service has ended: what had been seen by then. */
  async killed(): Promise<void> {
    await Promise.allSettled(this.readings);
    const copiedMs = this.copies?.end();
    const runs = this.runs();
    for (const response of this.responses) {
      if (response.hasEnded) continue;
      response.copiedMs ??= copiedMs;
      if (response.textUntil(Infinity) !== '') response.runsWhenShown ??= runs.get(response.name) ?? 0;
    }
  }

  /** Once the last kill is over. */
  async judged(): Promise<ResponsesOutcome> {
    this.copies?.end();
    const statuses: Record<string, number> = {};
    const faults: string[] = [];
    const made = this.responses.filter(({ id }) => id !== undefined);
    for (const response of made) {
      const view = await eventually(
        () => this.view(response.id).catch(() => ({ status: 'not there' }) as ResponseView),
        ({ status }) => ends.includes(status),
        FINISH_MS,
      ).catch((fault: unknown) => void faults.push(`${response.name} does not end: ${String(fault).slice(0, 300)}`));
      if (!view) continue;
      statuses[view.status] = (statuses[view.status] ?? 0) + 1;
      for (const fault of faultsOf(response, textOf(view))) faults.push(`${response.name} (${view.status}): ${fault}`);
    }
    await Promise.allSettled(this.readings);
    for (const { name, hasReader, hasEnded } of made)
      if (hasReader && !hasEnded) faults.push(`${name}: its reader was not told of its end`);
    const runs = this.runs();
    const ranAgain = made.filter(({ name, runsWhenShown }) => (runs.get(name) ?? 0) > (runsWhenShown ?? Infinity));
    const withReader = made.filter(({ hasReader }) => hasReader).length;
    return { made: made.length, statuses, withReader, ranAgain: ranAgain.length, faults };
  }

  private async begin(): Promise<void> {
    const response = new TrackedResponse(`response-${this.responses.length + 1}`, this.random.next() < 0.8);
    this.responses.push(response);
    const body = {
      model: 'some-model',
      input: `This is <${response.name}>.`,
      max_output_tokens: 10 + this.random.below(150),
      background: true,
    };
    const answer = await this.current.request('POST', '/v1/responses', { body }).catch(() => undefined);
    if (answer?.status !== 200) return;
    response.id = answer.json<{ id: string }>().id;
    if (response.hasReader) this.follow(response);
  }

  private follow(response: TrackedResponse): void {
    if (response.id === undefined) return;
    const reading = this.read(response).catch(() => undefined); // It broke off with the service.
    this.readings.add(reading);
    void reading.then(() => this.readings.delete(reading));
  }

  private async read(response: TrackedResponse): Promise<void> {
    const { url, apiKey } = this.current;
    const after = response.lastNumber < 0 ? '' : `&starting_after=${response.lastNumber}`;
    const stream = await openEvents(`${url}/v1/responses/${response.id}?stream=true${after}`, {
      headers: { 'X-API-Key': apiKey },
    });
    try {
      await stream.finished(10 * FINISH_MS);
    } finally {
      if (stream.status === 200) response.receive(stream.reading().events);
      stream.close();
    }
  }

  private async statusOf(id: string | undefined): Promise<string | undefined> {
    return id === undefined ? undefined : (await this.view(id)).status;
  }

  private async view(id: string | undefined): Promise<ResponseView> {
    const answer = await this.current.request('GET', `/v1/responses/${id}`);
    if (answer.status !== 200) throw new Error(`GET of ${id} answered ${answer.status}`);
    return answer.json<ResponseView>();
  }

  /** By name, how often the engine was asked for it. */
  private runs(): Map<string, number> {
    const runs = new Map<string, number>();
    for (const { body } of this.engine.stats().requests) {
      const name = /<(response-\d+)>/.exec(JSON.stringify(body))?.[1];
      if (name !== undefined) runs.set(name, (runs.get(name) ?? 0) + 1);
    }
    return runs;
  }

  private get current(): RunningService {
    if (!this.service) throw new Error('no service is running');
    return this.service;
  }
}

interface ResponseView {
  readonly status: string;
  readonly output: readonly { readonly content?: readonly { readonly text?: string }[] }[];
}

function textOf({ output }: ResponseView): string {
  return output.flatMap(({ content = [] }) => content.map(({ text = '' }) => text)).join('');
}

/** What its reader was told must be numbered upwards, end once, and be the beginning of what there is. */
function faultsOf(response: TrackedResponse, text: string): string[] {
  const faults: string[] = [];
  const { seen } = response;
  if (seen.some((event, at) => event.number < lowestAfter(seen[at - 1], event)))
    faults.push(`events are numbered ${seen.map(({ number }) => number).join()}`);
  const terminal = seen.filter(({ type }) => ends.includes(type.replace('response.', ''))).length;
  if (terminal > 1) faults.push(`it has ended ${terminal} times`);
  const copied = response.textUntil(response.copiedMs ?? Infinity);
  if (!text.startsWith(copied)) faults.push(`"${copied}" was seen of "${text}"`);
  return faults;
}

/** What is said once more, and that the service ends, have the number of what was said last. */
const inPassing: readonly string[] = ['response.queued', 'response.in_progress', 'error'];

function lowestAfter(before: Seen | undefined, { type }: Seen): number {
  if (!before) return 0;
  return inPassing.includes(type) ? before.number : before.number + 1;
}
