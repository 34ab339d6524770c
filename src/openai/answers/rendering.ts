import type { ServiceError } from '../../errors/service-error';
import type { TaskEvent } from '../../tasks/task/task';

export type ShownEvent = Pick<TaskEvent, 'type' | 'data' | 'seq'>;

/**
 * A task's events as the stream of some API, for one reader. It is told each event once, in order, and gives the frames that stand for it;
 * none of them depends on when it is told.
 */
export interface Rendering {
  /** Of the stream, where it is none of server-sent events. */
  readonly contentType?: string;
  /** Sent with the head. */
  opening(): string;
  /** Says nothing but that the service is there. */
  keepAlive(): string;
  of(event: ShownEvent): string;
  /** The frame of a fault, after which nothing comes. */
  fault(error: ServiceError): string;
}

/** A task's events as one answer of some API. */
export interface EventSum {
  /** @throws ServiceError the one that the task ended with */
  take(event: ShownEvent): void;
  /** A {@link JsonText} from sums that say so. */
  answer(): object;
}

/** An answer that is a JSON text already: it is sent as it stands. */
export class JsonText {
  constructor(readonly text: string) {}
}
