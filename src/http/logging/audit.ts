import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { tap, type Observable } from 'rxjs';
import type { ServiceError } from '../../errors/service-error';
import { LineBudget } from '../../observability/line-budget';
import { Narrator, type LogFields } from '../../observability/narrator';
import { keyIdentity } from '../access/caller';
import { fromThrown } from '../answers/envelope.filter';

/** Refusals told at once, and each second after that: a flood of strangers must not fill the log. */
const REFUSALS_AT_ONCE = 20;
const REFUSALS_PER_SECOND = 1;
/** So long after one was withheld, how many were is told. */
const SUMMARY_AFTER_MS = 5000;
const MAX_SUBJECT_LENGTH = 256;

/** What is told of a request that never becomes more. */
export interface Stranger {
  readonly id: string;
  readonly method: string;
  /** The route's own path; empty where there is none. */
  readonly route: string;
  readonly remote: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly identity?: string;
}

/** Tells who was refused, and who did what an operator does. Keys are told by their fingerprints. */
@Injectable()
export class Audit implements OnModuleDestroy {
  private readonly refusals = new LineBudget(REFUSALS_AT_ONCE, REFUSALS_PER_SECOND);
  private summary: NodeJS.Timeout | undefined;

  constructor(private readonly narrator: Narrator) {}

  onModuleDestroy(): void {
    clearTimeout(this.summary);
  }

  /** A request without the credential that its route asks for. */
  refused({ id, method, route, remote, headers, identity }: Stranger, { code }: ServiceError): void {
    if (!this.refusals.take()) {
      this.summary ??= setTimeout(() => this.tellWithheld(), SUMMARY_AFTER_MS).unref();
      return;
    }
    const path = route === '' ? 'unmatched' : route;
    this.narrator.warn(`${method} ${path} was refused: ${code}.`, {
      event: 'access_refused',
      correlation_id: id,
      method,
      route: path,
      reason: code,
      remote,
      ...credentials(headers, identity),
    });
  }

  /** Passes on what the handler of an administrative route gives, and tells who called it and how it went. */
  attend(act: string, request: FastifyRequest, handled: Observable<unknown>): Observable<unknown> {
    return handled.pipe(
      tap({
        complete: () => this.tellAct(act, request, 'done'),
        error: (thrown: unknown) => this.tellAct(act, request, fromThrown(thrown).code),
      }),
    );
  }

  private tellAct(act: string, request: FastifyRequest, outcome: string): void {
    const { method, params, routeOptions, headers, caller, ip } = request;
    const subject = Object.values(params as Record<string, string>)
      .join('/')
      .slice(0, MAX_SUBJECT_LENGTH);
    const who = credentials(headers, caller.identity);
    const human = `Administrative act ${act}${subject && ` on ${subject}`}: ${outcome}.`;
    this.narrator.tell(human, {
      event: 'administrative_act',
      correlation_id: request.id,
      act,
      ...(subject && { subject }),
      outcome,
      method,
      route: routeOptions.url,
      remote: ip,
      ...who,
    });
  }

  private tellWithheld(): void {
    this.summary = undefined;
    const requests = this.refusals.withheld;
    this.refusals.told();
    const human = `${requests} more requests were refused for want of a credential.`;
    this.narrator.warn(human, { event: 'access_refusals_withheld', requests });
  }
}

function credentials(headers: IncomingHttpHeaders, identity: string | undefined): Partial<LogFields> {
  const key = keyIdentity(headers);
  return {
    ...(key !== undefined && { key }),
    ...(identity !== undefined && { identity }),
  };
}
