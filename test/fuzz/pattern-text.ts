import type { Random } from '../crash/random';

/** Repetitions of `*`, `+` and `{n,}` beyond their least. */
const MOST_REPEATS = 8;
/** What a negated class is drawn from beside the printable characters of ASCII. */
const FARTHER = ['ä', 'ß', 'Ω', 'ж', '語', '\u{1F600}', '\u{10FFFF}'];
const printable = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at));

type Node = (random: Random) => string;

/**
 * Texts that match a pattern of the document, which keeps to classes, groups, alternatives, counts and anchors at its ends.
 * Throws for a pattern that does not.
 */
export function textMaker(pattern: string): Node {
  const parser = new Parser(pattern.replace(/^\^/, '').replace(/\$$/, ''));
  return parser.whole();
}

class Parser {
  private at = 0;

  constructor(private readonly text: string) {}

  whole(): Node {
    const node = this.alternatives();
    if (this.at < this.text.length) throw new Error(`not a portable pattern: ${this.text} at ${this.at}`);
    return node;
  }

  private alternatives(): Node {
    const choices = [this.sequence()];
    while (this.takes('|')) choices.push(this.sequence());
    return random => random.pick(choices)(random);
  }

  private sequence(): Node {
    const parts: Node[] = [];
    while (this.at < this.text.length && !'|)'.includes(this.next)) parts.push(this.repeated(this.atom()));
    return random => parts.map(part => part(random)).join('');
  }

  private atom(): Node {
    if (this.takes('[')) return this.characters();
    if (this.takes('(')) {
      const inner = this.alternatives();
      if (!this.takes(')')) throw new Error(`an open group in ${this.text}`);
      return inner;
    }
    const one = this.character();
    return () => one;
  }

  private repeated(node: Node): Node {
    const [least, most] = this.count();
    return random => {
      const times = least + random.below(Math.min(most, least + MOST_REPEATS) - least + 1);
      return Array.from({ length: times }, () => node(random)).join('');
    };
  }

  private count(): readonly [least: number, most: number] {
    if (this.takes('*')) return [0, Infinity];
    if (this.takes('+')) return [1, Infinity];
    if (this.takes('?')) return [0, 1];
    const [whole, least, comma, most] = /^\{(\d+)(,?)(\d*)\}/.exec(this.text.slice(this.at)) ?? [];
    if (whole === undefined) return [1, 1];
    this.at += whole.length;
    if (comma === '') return [Number(least), Number(least)];
    return [Number(least), most === '' ? Infinity : Number(most)];
  }

  private characters(): Node {
    const isNegated = this.takes('^');
    const ranges: (readonly [from: string, to: string])[] = [];
    while (!this.takes(']')) {
      const from = this.character();
      const isRange = this.next === '-' && this.text[this.at + 1] !== ']';
      if (isRange) this.at++;
      ranges.push([from, isRange ? this.character() : from]);
    }
    const isIn = (one: string): boolean => ranges.some(([from, to]) => one >= from && one <= to);
    if (isNegated) {
      const others = [...printable, ...FARTHER].filter(one => !isIn(one));
      return random => random.pick(others);
    }
    return random => {
      const [from, to] = random.pick(ranges).map(one => one.charCodeAt(0)) as [number, number];
      return String.fromCharCode(from + random.below(to - from + 1));
    };
  }

  private character(): string {
    const one = this.next;
    this.at++;
    if (one !== '\\') return one;
    const escaped = this.next;
    this.at++;
    if (escaped !== 'x') return escaped;
    this.at += 2;
    return String.fromCharCode(parseInt(this.text.slice(this.at - 2, this.at), 16));
  }

  private get next(): string {
    return this.text[this.at] ?? '';
  }

  private takes(one: string): boolean {
    if (this.next !== one) return false;
    this.at++;
    return true;
  }
}
