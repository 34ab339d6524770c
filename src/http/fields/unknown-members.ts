import { nearestName } from '../../config/nearest-name';
import { ServiceError } from '../../errors/service-error';
import { AnswerParts, AnswerText } from './answer-fields';
import { isCarried } from './carried-members';
import { knownNames, nestedClasses, type DtoClass } from './dto-reader';

/** Warnings of one answer; one more says how many others there are. */
const MOST_WARNINGS = 16;
const MOST_CHARACTERS = 64;
/** Edits up to which an unknown member counts as a known one, mistyped: members are short. */
const MOST_EDITS = 3;

/** What was odd about a request that was accepted. */
export class WarningView {
  @AnswerText('The field in question, as a dotted path.') field!: string;
  @AnswerText('What is odd about it, for people.') message!: string;
}

/** An answer to a request that may have been odd. */
export class WarningsView {
  @AnswerParts('What is odd about the request, such as fields that are not known.', WarningView, { optional: true })
  warnings?: readonly WarningView[];
}

interface Unknown {
  /** The first of them. */
  readonly fields: readonly string[];
  readonly total: number;
  readonly dto: DtoClass;
}

/** Of each body and query that had members which its class does not know. */
const unknownOf = new WeakMap<object, Unknown>();
const closed = new Set<DtoClass>();

/** Decorates a class whose members are all there are: another one is refused, where it would do harm to pass it over. */
export function RefusesUnknown(): ClassDecorator {
  return target => void closed.add(target as unknown as DtoClass);
}

/** Keeps what was sent beside what the class knows, for {@link warningsOf}. @throws ServiceError INVALID_PARAMS, see {@link RefusesUnknown} */
export function noteUnknown(dto: DtoClass, sent: object, made: object): void {
  const known = knownNames(dto);
  // The names alone: what stands under an unknown one is not looked at.
  const unknown = Object.keys(sent).filter(name => !known.has(name) && !isCarried(dto, name));
  for (const { name, nested } of nestedClasses(dto)) {
    const value = (sent as Record<string, unknown>)[name];
    if (closed.has(nested) && typeof value === 'object' && value !== null) assertKnown(nested, value, `${name}.`);
  }
  if (unknown.length === 0) return;
  if (closed.has(dto)) throw refusal(dto, unknown[0] ?? '', '');
  unknownOf.set(made, { fields: unknown.slice(0, MOST_WARNINGS + 1), total: unknown.length, dto });
}

function assertKnown(dto: DtoClass, sent: object, parent: string): void {
  const known = knownNames(dto);
  const unknown = Object.keys(sent).find(name => !known.has(name));
  if (unknown !== undefined) throw refusal(dto, unknown, parent);
}

function refusal(dto: DtoClass, name: string, parent: string): ServiceError {
  const field = parent + shortened(name);
  const message = `${field} is not known, only ${[...knownNames(dto)].join(', ')}`;
  return new ServiceError('INVALID_PARAMS', { field, message });
}

/** `warnings` of an answer to requests with these bodies and queries: nothing where all that they hold is known. */
export function warningsOf(...requests: readonly object[]): WarningsView {
  const warnings = requests.flatMap(request => {
    const unknown = unknownOf.get(request);
    return unknown ? toWarnings(unknown) : [];
  });
  return warnings.length > 0 ? { warnings } : {};
}

function toWarnings({ fields, total, dto }: Unknown): WarningView[] {
  return fields.map((name, at) => {
    const field = shortened(name);
    if (at === MOST_WARNINGS)
      return { field, message: `This and ${total - at - 1} more are not known and change nothing.` };
    const meant = nearestName(name, knownNames(dto), MOST_EDITS);
    const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
    return { field, message: `${field} is not known and changes nothing.${hint}` };
  });
}

function shortened(name: string): string {
  return name.length <= MOST_CHARACTERS ? name : `${name.slice(0, MOST_CHARACTERS).toWellFormed()}…`;
}
