import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import type { ApiAnswer } from '../openai/api-answer';

/**
 * Schemas of the Messages API, written from Anthropic's public documentation (November 2026; its errors, its events, the members of a
 * message). They are closed: a member that the service tells and the documentation does not know is a fault, too.
 */
const schemas = JSON.parse(readFileSync(resolve(__dirname, '../wire/schemas/anthropic.json'), 'utf8')) as Readonly<
  Record<string, object>
>;
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema({ $id: 'anthropic', components: { schemas } });

function messageFaultsOf(name: string, value: unknown): readonly string[] {
  const validate = ajv.getSchema(`anthropic#/components/schemas/${name}`);
  if (!validate) return [`there is no ${name}`];
  return validate(value) === true
    ? []
    : (validate.errors ?? []).map(({ instancePath, message }) => `${name}: ${instancePath} ${message ?? ''}`);
}

interface Event {
  readonly type: string;
  readonly index?: number;
}

/** What is wrong with an answer of `/v1/messages` or below it; of a stream also with the order of its events. */
export function messagesAnswerFaults(route: string, { status, contentType, text }: ApiAnswer): readonly string[] {
  if (contentType.includes('event-stream')) return streamFaults(text);
  if (!contentType.includes('json')) return [`${contentType} in place of JSON`];
  const value: unknown = JSON.parse(text);
  if (status >= 400) return messageFaultsOf('ErrorResponse', value);
  return messageFaultsOf(route.endsWith('/count_tokens') ? 'MessageTokensCount' : 'WholeMessage', value);
}

function streamFaults(text: string): readonly string[] {
  const faults: string[] = [];
  const events: Event[] = [];
  for (const frame of text.split('\n\n').filter(each => each !== '' && !each.startsWith(':'))) {
    const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(frame) ?? [];
    if (name === undefined || data === undefined) {
      faults.push(`no event: ${frame.slice(0, 100)}`);
      continue;
    }
    const event = JSON.parse(data) as Event;
    if (event.type !== name) faults.push(`${name} is said to be ${event.type}`);
    faults.push(...messageFaultsOf(event.type === 'error' ? 'ErrorResponse' : event.type, event));
    if (event.type !== 'ping') events.push(event);
  }
  return [...faults, ...orderFaults(events)];
}

/** The message starts, its blocks follow each other, each with the next index and stopped before the next one, then its end. */
function orderFaults(events: readonly Event[]): readonly string[] {
  const order = events.map(({ type, index }) => (index === undefined ? type : `${type} ${index}`)).join('\n');
  const blocks = events.filter(({ type }) => type === 'content_block_start').length;
  const inOrder = Array.from(
    { length: blocks },
    (_, at) => `content_block_start ${at}\n(content_block_delta ${at}\n)*(content_block_stop ${at}(\n|$)|error|$)`,
  ).join('');
  const isInOrder = new RegExp(`^(message_start(\n|$))?${inOrder}(message_delta\nmessage_stop|error|)$`).test(order);
  return isInOrder ? [] : [`events in this order: ${order.replaceAll('\n', ', ').slice(0, 300)}`];
}
