import type { Operation } from './api-document';

/** A request, and what the document says of it. */
export interface Plan {
  readonly operation: Operation;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Its parameters and body keep to their schemas. */
  readonly fits: boolean;
  /** It was made to fit, with nothing hostile in it: it must not be refused as malformed. */
  readonly plain: boolean;
  /** The statuses one of which must come, where something other than the schemas decides. */
  readonly expected?: readonly number[];
}
