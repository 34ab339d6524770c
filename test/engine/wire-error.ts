export type HeaderList = readonly (readonly [name: string, value: string])[];

/** How an error is put on the wire where it is not plain JSON. */
export interface ErrorForm {
  /** Of a body that is text; `text/plain; charset=utf-8` where none is told. */
  readonly contentType?: string;
  readonly headers?: HeaderList;
  /** It comes as a stream of these chunks, which then ends cleanly; the body is left out. */
  readonly frames?: readonly string[];
}

/** An answer other than the good one, in the words of the wire that is spoken. Its status may well be 200. */
export class WireError extends Error {
  constructor(
    readonly status: number,
    readonly body: object | string,
    readonly form: ErrorForm = {},
  ) {
    super(typeof body === 'string' ? body : JSON.stringify(body));
  }
}
