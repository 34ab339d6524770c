import { errorOf } from '../../openai/answers/event-error';
import type { ShownEvent } from '../../openai/answers/rendering';
import type { Clock } from '../../time/clock';
import type { ResponseFacts } from './response-facts';
import { NO_FRAMES, ResponseStream } from './response-stream';

/** The events of a chat that has ended as one response. One whose task failed is the error that it failed with. */
export class WholeResponse extends ResponseStream {
  constructor(facts: ResponseFacts, clock: Clock) {
    super(facts, clock, NO_FRAMES);
  }

  override take(event: ShownEvent): void {
    if (event.type === 'error') throw errorOf(event.data);
    super.take(event);
  }
}
