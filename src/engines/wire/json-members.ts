/** Deeper than anything that engines answer with. */
const MAX_DEPTH = 64;

/**
 * Where the members of a JSON object stand in its text, by name: from the name's quote to the value's end. Undefined for what is not one
 * object in strict JSON (RFC 8259), or nests deeper than is read.
 *
 * Parsing builds a value for each of the hundred thousands of numbers that an answer with embeddings has; this only looks at them,
 * and takes some nanoseconds a character.
 */
export function memberSpans(text: string): ReadonlyMap<string, Span> | undefined {
  const scan = new Scan(text);
  const end = scan.space(scan.object(scan.space(0), 0));
  return scan.isSound && end === text.length ? scan.members : undefined;
}

export interface Span {
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/*
 * What most of an answer is, a long list of numbers or a long text, is passed over in native code: what these match is sound, and where they
 * stop, the rest is looked at one by one.
 */
const number = String.raw`-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?`;
const space = String.raw`[ \n\r\t]*`;
const numberList = new RegExp(`${number}(?:${space},${space}${number})*`, 'y');
const plainString = /"[^"\\\x00-\x1f]*"/y;

/** The place after what a sticky pattern matches; undefined where it does not. */
function endOf(pattern: RegExp, text: string, from: number): number | undefined {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

const escapes: ReadonlySet<string> = new Set('"\\/bfnrt');
const unicodeEscape = /^[0-9a-fA-F]{4}$/;

/** Each method takes the place where its part begins and gives the one after it. */
class Scan {
  isSound = true;
  readonly members = new Map<string, Span>();

  constructor(private readonly text: string) {}

  space(from: number): number {
    let at = from;
    for (;;) {
      const code = this.text.charCodeAt(at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
      at++;
    }
  }

  object(from: number, depth: number): number {
    const { text } = this;
    if (text.charCodeAt(from) !== OPEN_BRACE || depth > MAX_DEPTH) return this.unsound();
    let at = this.space(from + 1);
    if (text.charCodeAt(at) === CLOSE_BRACE) return at + 1;
    while (this.isSound) {
      const start = at;
      const nameEnd = this.string(at);
      at = this.space(nameEnd);
      if (text.charCodeAt(at) !== COLON) return this.unsound();
      const valueStart = this.space(at + 1);
      const end = this.value(valueStart, depth + 1);
      if (depth === 0 && this.isSound) {
        this.members.set(JSON.parse(text.slice(start, nameEnd)) as string, { start, valueStart, end });
      }
      at = this.space(end);
      const code = text.charCodeAt(at);
      if (code === CLOSE_BRACE) return at + 1;
      if (code !== COMMA) return this.unsound();
      at = this.space(at + 1);
    }
    return at;
  }

  private value(from: number, depth: number): number {
    const code = this.text.charCodeAt(from);
    if (code === QUOTE) return this.string(from);
    if (code === OPEN_BRACE) return this.object(from, depth);
    if (code === OPEN_BRACKET) return this.array(from, depth);
    if (code === MINUS || isDigit(code)) return this.number(from);
    const literal = ['null', 'true', 'false'].find(word => this.text.startsWith(word, from));
    return literal === undefined ? this.unsound() : from + literal.length;
  }

  private array(from: number, depth: number): number {
    if (depth > MAX_DEPTH) return this.unsound();
    let at = this.space(from + 1);
    if (this.text.charCodeAt(at) === CLOSE_BRACKET) return at + 1;
    while (this.isSound) {
      at = this.space(endOf(numberList, this.text, at) ?? this.value(at, depth + 1));
      const code = this.text.charCodeAt(at);
      if (code === CLOSE_BRACKET) return at + 1;
      if (code !== COMMA) return this.unsound();
      at = this.space(at + 1);
    }
    return at;
  }

  private string(from: number): number {
    const { text } = this;
    const end = endOf(plainString, text, from);
    if (end !== undefined) return end;
    if (text.charCodeAt(from) !== QUOTE) return this.unsound();
    for (let at = from + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) return at + 1;
      if (code < 0x20) return this.unsound();
      if (code !== BACKSLASH) continue;
      const escape = text[++at] ?? '';
      if (escape === 'u' && unicodeEscape.test(text.slice(at + 1, at + 5))) at += 4;
      else if (!escapes.has(escape)) return this.unsound();
    }
    return this.unsound();
  }

  private number(from: number): number {
    const { text } = this;
    let at = text.charCodeAt(from) === MINUS ? from + 1 : from;
    at = text.charCodeAt(at) === ZERO ? at + 1 : this.digits(at);
    if (text.charCodeAt(at) === DOT) at = this.digits(at + 1);
    const exponent = text.charCodeAt(at);
    if (exponent === 0x65 || exponent === 0x45) {
      const sign = text.charCodeAt(at + 1);
      at = this.digits(at + (sign === PLUS || sign === MINUS ? 2 : 1));
    }
    return at;
  }

  private digits(from: number): number {
    let at = from;
    while (isDigit(this.text.charCodeAt(at))) at++;
    return at === from ? this.unsound() : at;
  }

  /** The place is past the end, where nothing matches any more. */
  private unsound(): number {
    this.isSound = false;
    return this.text.length;
  }
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}
