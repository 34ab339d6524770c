import { errorCatalogue, type ErrorCode } from '../src/errors/catalogue';
import { toEnvelope } from '../src/errors/envelope';
import { ServiceError } from '../src/errors/service-error';
import { markdownTable, type GeneratedFile } from './generated-file';

const preamble = `# Errors

<!-- Made from src/errors/catalogue.ts by "npm run docs"; edits here are lost. -->

Every refusal has one body, whatever the route:

\`\`\`json
{ "code": "ADMISSION_REJECT", "message": "…", "retriable": true, "retry_after_ms": 1450, "policy_label": "reject", "correlation_id": "…" }
\`\`\`

\`code\`, \`message\` and \`retriable\` are always there. \`engine\`, \`field\` (the field at fault, as a dotted path), \`retry_after_ms\` and
\`policy_label\` are there where they are known. With \`retry_after_ms\`, as of every 429, come
the headers \`Retry-After\` (whole seconds, at least 1) and \`X-Backoff-Ms\`.
Branch on \`code\`; messages are for people and may change.

A stream that has begun can no longer change its status: the same codes then come as its last event, \`error\`, with the same
fields. A task that was dropped or cancelled ends that way too.

"Retriable" is about the very same request: yes where waiting can help, no where the request has to change. An answer may say
otherwise where the circumstances do.`;

function row(code: ErrorCode): string[] {
  const { status, retriable, message } = errorCatalogue[code];
  // Worker registration answers with numbers.
  const onTheWire = toEnvelope(new ServiceError(code)).code;
  const shown = onTheWire === code ? `\`${code}\`` : `\`${onTheWire}\` (${code})`;
  return [shown, String(status), retriable ? 'yes' : 'no', message];
}

function document(): string {
  const codes = Object.keys(errorCatalogue) as ErrorCode[];
  codes.sort((a, b) => errorCatalogue[a].status - errorCatalogue[b].status || (a < b ? -1 : 1));
  const head = ['Code', 'Status', 'Retriable', 'Message unless a better one is known'];
  return `${preamble}\n\n${markdownTable(head, codes.map(row))}\n`;
}

/** Every error of the catalogue, by status. */
export const errorsDoc: GeneratedFile = { path: 'docs/errors.md', script: 'docs', generate: document };
