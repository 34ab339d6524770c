import type { Random } from '../crash/random';
import type { ApiDocument, Schema } from './api-document';
import { anyJson, hostileTexts, plainText } from './hostile';
import { textMaker } from './pattern-text';

/** Longest text and list that are made where the schema would allow longer ones. */
const MOST_CHARACTERS = 300;
const MOST_ITEMS = 6;

/** A place in a value that can be changed. */
interface Site {
  readonly schema: Schema;
  readonly set: (value: unknown) => void;
  /** Of a member of an object. */
  readonly remove?: () => void;
}

export interface Made {
  readonly value: unknown;
  readonly sites: readonly Site[];
}

/** Gives what the service has told of before under such a name, so that requests lead somewhere. */
export type Recall = (name: string) => string | undefined;

/** What would be waited for in earnest: a run has not the time. */
const patienceMs: Readonly<Record<string, number>> = { 'X-Orchd-Max-Wait-Ms': 200 };

/** Makes values from schemas. */
export class Values {
  private readonly textMakers = new Map<string, (random: Random) => string>();

  constructor(
    private readonly document: ApiDocument,
    private readonly random: Random,
    private readonly recall: Recall,
  ) {}

  /** A value that keeps to its schema. */
  make(schema: Schema, name = ''): Made {
    const box: { value?: unknown } = {};
    const sites: Site[] = [];
    this.fill({ schema, set: value => (box.value = value) }, name, sites);
    return { value: box.value, sites };
  }

  /** The same with something wrong in one place; where there is nothing to be wrong (any JSON), it is still right. */
  makeWrong(schema: Schema, name = ''): unknown {
    const box: { value?: unknown } = {};
    const sites: Site[] = [];
    this.fill({ schema, set: value => (box.value = value) }, name, sites);
    const site = this.random.pick(sites);
    if (site.remove && this.random.below(6) === 0) site.remove();
    else site.set(this.wrong(this.document.resolved(site.schema)));
    return box.value;
  }

  private fill(site: Site, name: string, sites: Site[]): void {
    const schema = this.document.resolved(site.schema);
    sites.push(site);
    if (schema.nullable && this.random.below(8) === 0) site.set(null);
    else if (schema.oneOf) this.fill({ ...site, schema: this.random.pick(schema.oneOf) }, name, sites);
    else if (schema.type === 'object') this.fillObject(schema, site, sites);
    else if (schema.type === 'array') this.fillArray(schema, site, name, sites);
    else site.set(this.scalar(schema, name));
  }

  private fillObject(schema: Schema, site: Site, sites: Site[]): void {
    const made: Record<string, unknown> = {};
    site.set(made);
    for (const [name, member] of Object.entries(schema.properties ?? {})) {
      if (schema.required?.includes(name) !== true && this.random.below(4) !== 0) continue;
      const set = (value: unknown): void => void (made[name] = value);
      this.fill({ schema: member, set, remove: () => delete made[name] }, name, sites);
    }
    const { additionalProperties: others = true } = schema;
    if (typeof others === 'object') {
      for (let left = this.random.below(3); left > 0; left--) {
        const name = plainText(this.random, 1, 10);
        this.fill(
          { schema: others, set: value => void (made[name] = value), remove: () => delete made[name] },
          name,
          sites,
        );
      }
      // A member that nobody knows: right or wrong as the schema has it.
    } else if (others && this.random.below(10) === 0) made[plainText(this.random, 1, 10)] = anyJson(this.random);
  }

  private fillArray(schema: Schema, site: Site, name: string, sites: Site[]): void {
    const { minItems = 0, maxItems = MOST_ITEMS, items = {} } = schema;
    const length = minItems + this.random.below(Math.min(maxItems, MOST_ITEMS) - minItems + 1);
    const made: unknown[] = [];
    site.set(made);
    for (let at = 0; at < length; at++) {
      this.fill({ schema: items, set: value => (made[at] = value) }, name, sites);
    }
  }

  private scalar(schema: Schema, name: string): unknown {
    if (schema.enum) return this.random.pick(schema.enum.filter(choice => choice !== null || schema.nullable));
    switch (schema.type) {
      case 'boolean':
        return this.random.below(2) === 0;
      case 'integer':
        return this.whole({ ...schema, maximum: patienceMs[name] ?? schema.maximum ?? 1e9 });
      case 'number':
        return this.random.below(3) === 0 ? this.whole(schema) : this.between(schema);
      case 'string':
        return this.text(schema, name);
      default:
        return anyJson(this.random);
    }
  }

  private whole({ minimum = -1e9, maximum = 1e9 }: Schema): number {
    const [least, most] = [Math.ceil(minimum), Math.floor(maximum)];
    const near = Math.min(most, least + this.random.below(100));
    return this.random.pick([least, most, near, near, near, least + Math.floor(this.random.next() * (most - least))]);
  }

  private between({ minimum = -1e9, maximum = 1e9 }: Schema): number {
    return minimum + this.random.next() * (maximum - minimum);
  }

  private text(schema: Schema, name: string): string {
    const known = this.random.below(3) > 0 ? this.recall(name) : undefined;
    if (known !== undefined) return known;
    const { pattern, minLength = 0, maxLength = MOST_CHARACTERS } = schema;
    if (pattern !== undefined) return this.maker(pattern)(this.random);
    const most = Math.min(maxLength, MOST_CHARACTERS);
    // The longest now and then: a maximum is in characters, of which some need two units.
    if (this.random.below(12) === 0) return '\u{1F600}'.repeat(most);
    return plainText(this.random, minLength, Math.min(most, minLength + 40));
  }

  private maker(pattern: string): (random: Random) => string {
    let maker = this.textMakers.get(pattern);
    if (!maker) this.textMakers.set(pattern, (maker = textMaker(pattern)));
    return maker;
  }

  /** Something that its schema does not take, or that others have stumbled over. */
  private wrong(schema: Schema): unknown {
    const { random } = this;
    const candidates: (() => unknown)[] = [
      () => null,
      () => anyJson(random),
      () => random.pick(hostileTexts),
      () => [],
      () => ({}),
      () => true,
      () => 1.5,
    ];
    if (schema.additionalProperties === false && random.below(2) === 0) return { nobody_knows: anyJson(random) };
    const { minimum, maximum, minLength = 0, maxLength, maxItems, type, enum: choices } = schema;
    const pointed: (() => unknown)[] = [];
    if (minimum !== undefined) pointed.push(() => minimum - 1);
    if (maximum !== undefined) pointed.push(() => maximum + 1);
    if (type === 'integer') pointed.push(() => this.whole(schema) + 0.5);
    if (type === 'integer' || type === 'number') pointed.push(() => String(this.whole(schema)));
    if (maxLength !== undefined && maxLength < 10_000) pointed.push(() => 'x'.repeat(maxLength + 1));
    if (minLength > 0) pointed.push(() => 'x'.repeat(minLength - 1));
    if (choices) pointed.push(() => `${String(choices[0])}x`);
    if (maxItems !== undefined) pointed.push(() => Array.from({ length: maxItems + 1 }, () => 'x'));
    return random.pick(pointed.length > 0 && random.below(2) === 0 ? pointed : candidates)();
  }
}
