import { jsonLine } from './log-line';

/** What stands in JSON, and in a line of a log, as it is. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/**
 * The members of a line, as JSON: put together one by one by whoever writes lines for every task, for to make an object of them and have
 * that written costs several times as much.
 */
export class LineText {
  private members: string;

  /** @param event a word of ours */
  constructor(event: string) {
    this.members = `"event":"${event}"`;
  }

  /** Nothing where the value is undefined. @param name a word of ours */
  add(name: string, value: string | number | undefined): this {
    if (typeof value === 'string') this.members += `,"${name}":${quoted(value)}`;
    else if (value !== undefined) this.members += `,"${name}":${Number.isFinite(value) ? value : null}`;
    return this;
  }

  get text(): string {
    return this.members;
  }
}

/** As JSON that ends no line and drives no terminal. */
export function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : jsonLine(JSON.stringify(text));
}
