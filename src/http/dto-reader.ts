import { getMetadataStorage } from 'class-validator';

export type DtoClass = new () => object;

/** What one property of a DTO accepts, said by its field decorator (see fields.ts). */
export interface FieldRule {
  readonly name: string;
  readonly optional: boolean;
  /** True only for what class-validator would accept too. It may be false for some of that: then class-validator decides. */
  readonly accepts: (value: unknown) => boolean;
  /** Of a nested object: its own class. */
  readonly nested?: () => DtoClass;
}

const RULES = Symbol('field rules');

/** Decorates a property with its rule, for {@link readDto}. */
export function fieldRule(rule: Omit<FieldRule, 'name'>): PropertyDecorator {
  return (target, name) => {
    const inherited = (Reflect.getMetadata(RULES, target) as readonly FieldRule[] | undefined) ?? [];
    Reflect.defineMetadata(RULES, [...inherited, { ...rule, name: String(name) }], target);
  };
}

/** Of each class that was asked for; undefined where a property has checks of class-validator but no rule. */
const rulesByClass = new Map<DtoClass, readonly FieldRule[] | undefined>();

function rulesOf(dto: DtoClass): readonly FieldRule[] | undefined {
  if (!rulesByClass.has(dto)) rulesByClass.set(dto, findRules(dto));
  return rulesByClass.get(dto);
}

function findRules(dto: DtoClass): readonly FieldRule[] | undefined {
  const rules = (Reflect.getMetadata(RULES, dto.prototype as object) as readonly FieldRule[] | undefined) ?? [];
  const names = new Set(rules.map(({ name }) => name));
  const checked = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
  return checked.every(({ propertyName }) => names.has(propertyName)) ? rules : undefined;
}

/**
 * The short way of a body that is as it should be: the DTO with the properties it knows, as transforming, stripping and
 * validating would have made it, at a tenth of the cost. Undefined where that is not certain: then the long way decides,
 * and finds the words for what is wrong.
 */
export function readDto<T extends object>(dto: new () => T, body: object): T | undefined {
  const rules = rulesOf(dto);
  if (!rules) return undefined;
  const made = new dto() as Record<string, unknown>;
  for (const { name, optional, accepts, nested } of rules) {
    let value = Object.hasOwn(body, name) ? (body as Record<string, unknown>)[name] : undefined;
    if (value === undefined || value === null) {
      if (!optional) return undefined;
      if (value === null) made[name] = value;
      continue;
    }
    if (!accepts(value)) return undefined;
    if (nested) {
      value = readDto(nested(), value);
      if (value === undefined) return undefined;
    }
    made[name] = value;
  }
  return made as T;
}
