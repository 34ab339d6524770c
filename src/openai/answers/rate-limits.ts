import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import type { Admission } from '../../tasks/admission/admission.service';
import { TaskLedger } from '../../tasks/ledger/task-ledger.port';

/**
 * What clients of OpenAI's API look for to slow themselves down, as far as there is such a limit here: requests are places in the
 * queue, tokens what a named session may still generate. When they are there again nobody knows, so that is not told; a refusal has
 * its `Retry-After`.
 */
@Injectable()
export class RateLimits {
  constructor(
    private readonly config: Config,
    private readonly ledger: TaskLedger,
  ) {}

  of({ spec, remaining }: Admission): Readonly<Record<string, string>> {
    const { admissionCapacity, sessionTokensBudget } = this.config;
    const { interactive, batch } = this.ledger.depth();
    return {
      'X-RateLimit-Limit-Requests': String(admissionCapacity),
      'X-RateLimit-Remaining-Requests': String(Math.max(0, admissionCapacity - interactive - batch)),
      ...(!spec.ownSession && {
        'X-RateLimit-Limit-Tokens': String(sessionTokensBudget),
        'X-RateLimit-Remaining-Tokens': String(Math.max(0, Math.floor(remaining.tokens))),
      }),
    };
  }
}
