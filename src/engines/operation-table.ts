import { ServiceError } from '../errors/service-error';

/** What becomes of one member of a request's body on its way to an engine. */
export type ParameterRule =
  /** The engine knows it by this name. */
  | { readonly rule: 'passed'; readonly note?: string }
  /** The engine has another name for it; one with dots is a member of a member. */
  | { readonly rule: 'renamed'; readonly to: string; readonly note?: string }
  /** The adapter makes something else of it, which the note tells. */
  | { readonly rule: 'mapped'; readonly note: string }
  /** It has no meaning for the engine, and changes nothing of the answer. */
  | { readonly rule: 'left-out'; readonly note: string }
  /** The engine cannot do it. `unless`: values that ask for nothing. */
  | { readonly rule: 'refused'; readonly reason: string; readonly unless?: readonly unknown[] };

export interface OperationTable {
  /** Where the engine does it, for the documentation. */
  readonly route: string;
  readonly parameters: Readonly<Record<string, ParameterRule>>;
  /** What becomes of members that the table does not name. */
  readonly others: 'passed' | 'refused';
}

export type Body = Readonly<Record<string, unknown>>;

/** The first member that the engine cannot take; undefined where there is none. */
function refusalIn(table: OperationTable, body: Body): { readonly field: string; readonly reason: string } | undefined {
  for (const field in body) {
    const value = body[field];
    if (isNothing(value)) continue;
    const rule = table.parameters[field];
    if (!rule) {
      if (table.others === 'refused') return { field, reason: 'The engine does not know it.' };
    } else if (rule.rule === 'refused' && !rule.unless?.some(harmless => isSame(harmless, value))) {
      return { field, reason: rule.reason };
    }
  }
  return undefined;
}

/** The same as an error: INVALID_PARAMS naming what the engine cannot do. */
export function refusalOf(engine: string, table: OperationTable, body: Body): ServiceError | undefined {
  const refusal = refusalIn(table, body);
  if (!refusal) return undefined;
  const { field, reason } = refusal;
  return new ServiceError('INVALID_PARAMS', { engine, field, message: `${field} cannot be used here: ${reason}` });
}

/**
 * The body as the engine is to have it: renamed, without what is left out, and without what is `mapped`, which the adapter adds.
 * @throws ServiceError as {@link refusalOf} has it
 */
export function applied(engine: string, table: OperationTable, body: Body): Record<string, unknown> {
  const refusal = refusalOf(engine, table, body);
  if (refusal) throw refusal;
  const made: Record<string, unknown> = {};
  for (const name in body) {
    const value = body[name];
    if (isNothing(value)) continue;
    const rule = table.parameters[name];
    switch (rule?.rule) {
      case undefined:
      case 'passed':
        made[name] = value;
        break;
      case 'renamed':
        put(made, rule.to, value);
        break;
      case 'refused':
      case 'mapped':
      case 'left-out':
    }
  }
  return made;
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || (typeof one === 'object' && JSON.stringify(one) === JSON.stringify(other));
}

/** Null stands for nothing in every API that has been seen. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

function put(into: Record<string, unknown>, path: string, value: unknown): void {
  const dot = path.indexOf('.');
  if (dot === -1) {
    into[path] ??= value;
    return;
  }
  const [first, rest] = [path.slice(0, dot), path.slice(dot + 1)];
  // What is there already may be the client's own, which is not ours to change.
  const there = into[first] ?? {};
  if (typeof there !== 'object' || Array.isArray(there)) return;
  const within: Record<string, unknown> = { ...there };
  put(within, rest, value);
  into[first] = within;
}
