import { getMetadataStorage } from 'class-validator';

export type DtoClass = new () => object;

/** What one property of a DTO accepts, said by its field decorator (see fields.ts). */
export interface FieldRule {
  readonly name: string;
  readonly optional: boolean;
  /** True only for what class-validator would accept too. It may be false for some of that: then class-validator decides. */
  readonly accepts: (value: unknown) => boolean;
  /** Of a nested object: its own class. */
  readonly nested?: (() => DtoClass) | undefined;
}

interface NestedClass {
  readonly name: string;
  readonly nested: DtoClass;
}

const RULES = Symbol('field rules');

/** Decorates a property with its rule, for {@link readDto}. */
export function fieldRule(rule: Omit<FieldRule, 'name'>): PropertyDecorator {
  return (target, name) => {
    const inherited = (Reflect.getMetadata(RULES, target) as readonly FieldRule[] | undefined) ?? [];
    const { optional, accepts, nested } = rule;
    // All of one shape: each of them is read for each body.
    const named: FieldRule = { name: String(name), optional, accepts, nested };
    Reflect.defineMetadata(RULES, [...inherited, named], target);
  };
}

/** Of each class that was asked for; undefined where a property has checks of class-validator but no rule. */
const rulesByClass = new Map<DtoClass, readonly FieldRule[] | undefined>();

const nestedByClass = new Map<DtoClass, readonly NestedClass[]>();

const namesByClass = new Map<DtoClass, ReadonlySet<string>>();

/** Names of the properties that a DTO has checks for. */
export function knownNames(dto: DtoClass): ReadonlySet<string> {
  let names = namesByClass.get(dto);
  if (!names) {
    const checked = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
    namesByClass.set(dto, (names = new Set(checked.map(({ propertyName }) => propertyName))));
  }
  return names;
}

/** The properties of a DTO that are objects with a class of their own. */
export function nestedClasses(dto: DtoClass): readonly NestedClass[] {
  let classes = nestedByClass.get(dto);
  if (!classes) {
    classes = (rulesOf(dto) ?? []).flatMap(({ name, nested }) => (nested ? [{ name, nested: nested() }] : []));
    nestedByClass.set(dto, classes);
  }
  return classes;
}

function rulesOf(dto: DtoClass): readonly FieldRule[] | undefined {
  if (!rulesByClass.has(dto)) rulesByClass.set(dto, findRules(dto));
  return rulesByClass.get(dto);
}

function findRules(dto: DtoClass): readonly FieldRule[] | undefined {
  const rules = (Reflect.getMetadata(RULES, dto.prototype as object) as readonly FieldRule[] | undefined) ?? [];
  const names = new Set(rules.map(({ name }) => name));
  return [...knownNames(dto)].every(name => names.has(name)) ? rules : undefined;
}

/**
 * The short way of a body that is as it should be: the DTO with the properties it knows, at a tenth of the cost of judging it with
 * class-validator. Undefined where that is not certain: then the long way decides, and finds the words for what is wrong.
 * A null is "not given", which many clients say that way: the field's default holds.
 */
export function readDto<T extends object>(dto: new () => T, body: object): T | undefined {
  const rules = rulesOf(dto);
  if (!rules) return undefined;
  const made = new dto() as Record<string, unknown>;
  for (const { name, optional, accepts, nested } of rules) {
    let value = given(body, name);
    if (value === undefined) {
      if (!optional) return undefined;
      continue;
    }
    if (!accepts(value)) return undefined;
    if (nested) {
      value = readDto(nested(), value as object);
      if (value === undefined) return undefined;
    }
    made[name] = value;
  }
  return made as T;
}

/**
 * The DTO with the properties that it knows as they were given, for class-validator to judge. Nothing else of a body gets so far:
 * what looks into values that nobody expects takes a time that grows with them, and not always in proportion.
 */
export function knownOf<T extends object>(dto: new () => T, body: object): T {
  const made = new dto() as Record<string, unknown>;
  const nestedByName = new Map(rulesOf(dto)?.map(({ name, nested }) => [name, nested]));
  for (const name of knownNames(dto)) {
    const value = given(body, name);
    const nested = nestedByName.get(name);
    if (value !== undefined) made[name] = nested ? knownOfNested(nested(), value) : value;
  }
  return made as T;
}

/** What is no object becomes nothing that class-validator would look into: it goes through the items of an array. */
function knownOfNested(dto: DtoClass, value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? knownOf(dto, value) : false;
}

/** A member of its own; undefined for null. */
function given(body: object, name: string): unknown {
  return Object.hasOwn(body, name) ? ((body as Record<string, unknown>)[name] ?? undefined) : undefined;
}
