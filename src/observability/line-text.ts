import { jsonLine } from './log-line';

/** Text that is the same in a string of JSON, and harmless in a line of a log. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/**
 * The members of a log line as JSON, added one by one. For lines that every task has: building an object and having it written as JSON
 * costs several times as much.
 */
export class LineText {
  private members: string;

  /** @param event a word of ours, which needs no escapes */
  constructor(event: string) {
    this.members = `"event":"${event}"`;
  }

  /**
   * Leaves the member out where its value is undefined, as JSON does.
   * @param name a word of ours, which needs no escapes
   */
  add(name: string, value: string | number | undefined): this {
    if (typeof value === 'string') this.members += `,"${name}":${quoted(value)}`;
    else if (value !== undefined) this.members += `,"${name}":${Number.isFinite(value) ? value : null}`;
    return this;
  }

  get text(): string {
    return this.members;
  }
}

/** As a string of JSON that ends no line and drives no terminal. */
export function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : jsonLine(JSON.stringify(text));
}
