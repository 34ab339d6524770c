import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import type { Assessment } from '../../pools/placement.service';
import type { Spend } from '../../sessions/session-store.port';
import { Clock } from '../../time/clock';
import { TaskReporter } from '../ending/task-reporter';
import { TaskJournal } from '../journal/task-journal.port';
import { Enrolment } from '../live/enrolment';
import { LiveTask } from '../live/live-task';
import { queueEntryOf } from '../queue/queue-entry';
import type { QueueEntry } from '../queue/task-queue.port';
import type { AdmissionFacts, PreparationStep, TaskSpec } from '../task';
import { Offers, type Place } from './offers';
import { StartPredictor } from './start-predictor';

/** A task that passed every rule; what is left is a place in the queue and a line in the journal. */
export interface Candidate {
  readonly spec: TaskSpec;
  readonly requestHash: string;
  readonly assessment: Assessment;
  readonly preparation: readonly PreparationStep[];
  readonly remaining: Spend;
}

/** Puts tasks into the queue: both in the journal and in their place, or neither. */
@Injectable()
export class Enqueuer {
  private lastSeq = 0;

  constructor(
    private readonly config: Config,
    private readonly offers: Offers,
    private readonly journal: TaskJournal,
    private readonly enrolment: Enrolment,
    private readonly predictor: StartPredictor,
    private readonly reporter: TaskReporter,
    private readonly clock: Clock,
  ) {}

  /** Numbers go on after those of the process before. */
  resumeAfter(seq: number): void {
    this.lastSeq = Math.max(this.lastSeq, seq);
  }

  /** See {@link Offers.makeRoom}. */
  makeRoom(): Promise<void> {
    return this.offers.makeRoom();
  }

  /** @throws ServiceError ADMISSION_REJECT, DEADLINE_UNMET, STORAGE_UNAVAILABLE; nothing of the task is kept then */
  async enqueue(candidate: Candidate): Promise<AdmissionFacts> {
    const { spec, remaining } = candidate;
    const entry = this.entryOf(spec);
    const place = await this.offers.take(entry);
    const facts = await this.makeDurable(candidate, entry, place);
    await place.eviction?.carryOut();
    const task = new LiveTask(spec, facts, entry, remaining, this.clock.nowMs() + spec.deadlineMs);
    await this.enrolment.enrol(task);
    this.reporter.admitted(task);
    return facts;
  }

  private async makeDurable(candidate: Candidate, entry: QueueEntry, place: Place): Promise<AdmissionFacts> {
    try {
      const facts = this.factsOf(candidate, entry, place);
      await this.journal.admit(candidate.spec, facts, place.eviction?.ending);
      return facts;
    } catch (thrown) {
      await place.withdraw();
      throw thrown;
    }
  }

  /** A batch task goes as if it had come later: that much is the head start of interactive ones. */
  private entryOf(spec: TaskSpec): QueueEntry {
    const headStartMs = spec.priority === 'batch' ? this.config.batchAgeingMs : 0;
    return queueEntryOf(spec, { orderKey: this.clock.steadyWallMs() + headStartMs, seq: ++this.lastSeq });
  }

  private factsOf(
    { spec, requestHash, assessment, preparation }: Candidate,
    entry: QueueEntry,
    place: Place,
  ): AdmissionFacts {
    const { slotsTotal, slotsFree } = assessment;
    const predictedStartMs = this.predictor.predictMs(place.lanePosition, slotsTotal, slotsFree);
    if (predictedStartMs > spec.deadlineMs) {
      const message = `the task would start in about ${predictedStartMs} ms, after its deadline of ${spec.deadlineMs} ms`;
      throw new ServiceError('DEADLINE_UNMET', { field: 'deadline_ms', message });
    }
    return {
      requestHash,
      admittedAtMs: this.clock.wallMs(),
      orderKey: entry.orderKey,
      seq: entry.seq,
      queuePosition: place.position,
      predictedStartMs,
      preparation,
    };
  }
}
