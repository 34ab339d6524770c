import { Injectable } from '@nestjs/common';
import { Subject, type Observable } from 'rxjs';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { TaskLedger, type Claim, type EndDraft, type Ended, type Ending } from '../ledger/task-ledger.port';
import { EventLog } from '../events/event-log.port';
import { endEvent, errorEvent, metricsEvent } from '../events/task-events';
import type { StoringTranscript } from '../task/storing-transcript';
import type { TaskEnding, TaskEvent } from '../task/task';
import { OwedTranscripts } from './owed-transcripts';
import { TaskReporter } from './task-reporter';
import { Transcripts } from './transcripts';

/** Who wanted a task cancelled. */
export type CancelReason = 'client' | 'disconnect';

/**
 * Ends tasks: the only code that does. The ledger says who comes first; the terminal event is seen only after the ledger holds it and
 * the transcript is kept too (by the artifact store or, until it is there, by the ledger), and whatever the task held is free by then.
 */
@Injectable()
export class Finisher {
  private readonly ends = new Subject<string>();

  constructor(
    private readonly ledger: TaskLedger,
    private readonly log: EventLog,
    private readonly transcripts: Transcripts,
    private readonly owed: OwedTranscripts,
    private readonly reporter: TaskReporter,
    private readonly narrator: Narrator,
  ) {}

  /** Ids of tasks whose ends can be seen from now on. */
  get ended$(): Observable<string> {
    return this.ends;
  }

  /**
   * Ends the task of an attempt that is over; false when the attempt has lost its right to it.
   * @param held output that nobody has seen yet: it comes before the terminal event
   */
  async end(claim: Claim, draft: EndDraft, held: readonly TaskEvent[] = []): Promise<boolean> {
    const ended = await this.ledger.end(claim, draft);
    if (!ended) return false;
    await this.conclude(ended, held);
    return true;
  }

  /** Ends a task wherever it is: true when this did it; else what to wait for, undefined for a task that is not live. */
  async cancel(taskId: string, draft: EndDraft, reason?: CancelReason): Promise<true | Ending | undefined> {
    const outcome = await this.ledger.cancel(taskId, draft);
    if (!outcome || !('ending' in outcome)) return outcome;
    await this.conclude(outcome, [], reason);
    return true;
  }

  /** Makes an ending that was won durable and shows it. */
  async conclude(ended: Ended, held: readonly TaskEvent[] = [], reason?: CancelReason): Promise<void> {
    const { taskId } = ended.spec;
    let last = [...held, ...this.lastEvents(ended)];
    try {
      const before = await this.log.events(taskId);
      const transcript = await this.transcripts.begin(taskId, [...before, ...last], held.length > 0);
      const isDurable = await ended.record(transcript, held.length > 0);
      if (ended.isVoid) return;
      const isWithheld = !isDurable && held.length > 0;
      if (isWithheld) last = [errorEvent(notKept, ended.terminalSeq)];
      if (isWithheld) ended.revise(notKept);
      const all = [...before, ...last];
      if (isWithheld || transcript.isStored === false) await this.owed.owe(taskId, all);
      else if (transcript.isStored === undefined) this.oweUnlessStored(taskId, transcript, all);
      // From here on in one step: who is woken by the end asks for the task, and must find that it has ended.
      this.log.append(taskId, last);
      this.log.seal(taskId);
      this.reporter.ended(ended.spec, isWithheld ? failedBy(notKept, ended.ending) : ended.ending, reason ?? 'client');
    } catch (cause) {
      const fields = { event: 'task_not_concluded', job_id: taskId };
      this.narrator.fail(`The end of task ${taskId} could not be shown.`, fields, cause);
    } finally {
      ended.concluded();
      this.ends.next(taskId);
    }
  }

  /** The ledger holds the transcript meanwhile. */
  private oweUnlessStored(taskId: string, { stored }: StoringTranscript, events: readonly TaskEvent[]): void {
    const owed = stored.then(isStored => (isStored ? undefined : this.owed.owe(taskId, events)));
    const fields = { event: 'transcript_not_owed', job_id: taskId };
    void this.narrator.attend(owed, 'A transcript that could not be stored is lost.', fields);
  }

  private lastEvents({ draft, ending, facts, remaining, isWarm, terminalSeq }: Ended): TaskEvent[] {
    if (draft.state !== 'completed') return [errorEvent(draft.error, terminalSeq)];
    const { tokensOut, decodeMs: measuredMs } = ending.usage;
    const depth = this.ledger.depth();
    const metrics = metricsEvent(
      {
        queue_depth: depth.interactive + depth.batch,
        on_time_probability: 1,
        kv_warmth: isWarm ? 1 : 0,
        tokens_out: tokensOut,
        tokens_budget_remaining: remaining.tokens,
        time_budget_remaining_ms: remaining.timeMs,
        cost_budget_remaining: remaining.cost,
      },
      `All ${tokensOut} tokens are there.`,
      facts.preparation,
    );
    const { finishReason, model, tokensIn, tokensCached, tokensReasoning, promptMs } = draft.usage;
    const decodeMs = Math.round(measuredMs);
    const end = endEvent({
      tokens_out: tokensOut,
      tokens_in: tokensIn,
      tokens_cached: tokensCached,
      tokens_reasoning: tokensReasoning,
      prompt_time_ms: promptMs === undefined ? undefined : Math.round(promptMs),
      decode_time_ms: decodeMs,
      decode_ms: decodeMs,
      finish_reason: finishReason,
      model,
    });
    return [metrics, end];
  }
}

/** Nobody has seen the output, and should the process end now, the task would run again: so nobody sees it. */
const notKept = new ServiceError('STORAGE_UNAVAILABLE');

function failedBy({ code, message }: ServiceError, ending: TaskEnding): TaskEnding {
  return { ...ending, state: 'failed', code, message };
}
