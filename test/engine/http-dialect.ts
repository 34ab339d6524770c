import type { HeaderList } from './wire-error';

/** What the headers of an answer are made of. */
export interface AnswerHead {
  readonly status: number;
  readonly contentType: string;
  /** Of the body; undefined: it is sent in chunks. */
  readonly length: number | undefined;
  /** Whether the connection closes behind the answer. */
  readonly closes: boolean;
  /** The request's `Origin`. */
  readonly origin: string | undefined;
  /** Whether it is another server's answer that is passed on. */
  readonly proxied: boolean;
  /** Of this answer only. */
  readonly more: HeaderList;
}

/** How one HTTP server words the head of its answers: which headers, in which order and case. */
export interface HttpDialect {
  /** The content type of JSON. */
  readonly json: string;
  /** The content type of a stream. */
  readonly stream: string;
  /** Whether the connection is closed behind every error. */
  readonly closesOnError: boolean;
  headers(head: AnswerHead): HeaderList;
}
