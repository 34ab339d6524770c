import { NUMBER_GAP } from './response-stream';
import { responseOf, unended, type ResponseEnd, type ResponseFacts } from './response-facts';

interface Part {
  readonly type: string;
  readonly text?: string;
}

/**
 * The stream of a response whose events are kept no more, made of what it came to: each item at once. Who has read some of it before is told
 * only how it ended, with all of it, under a number past any that it can hold.
 */
export function replayOf(facts: ResponseFacts, end: ResponseEnd, after: number | undefined): string {
  const type = end.status === 'completed' || end.status === 'incomplete' ? end.status : 'failed';
  const last = (number: number): string => frame(`response.${type}`, number, { response: responseOf(facts, end) });
  if (after !== undefined) return last(NUMBER_GAP);
  const frames: string[] = [];
  const say = (name: string, members: object): number => frames.push(frame(name, frames.length, members));
  say('response.created', { response: responseOf(facts, unended('in_progress')) });
  say('response.in_progress', { response: responseOf(facts, unended('in_progress')) });
  for (const [index, item] of end.output.entries()) {
    const { id, content = [] } = item as { readonly id: string; readonly content?: readonly Part[] };
    say('response.output_item.added', { output_index: index, item: { ...item, status: 'in_progress', content: [] } });
    for (const [at, part] of content.entries()) {
      const place = { item_id: id, output_index: index, content_index: at };
      say('response.content_part.added', { ...place, part: { ...part, text: '' } });
      const kind = part.type === 'output_text' ? 'output_text' : 'reasoning_text';
      say(`response.${kind}.delta`, { ...place, delta: part.text ?? '', logprobs: [] });
      say(`response.${kind}.done`, { ...place, text: part.text ?? '', logprobs: [] });
      say('response.content_part.done', { ...place, part });
    }
    say('response.output_item.done', { output_index: index, item });
  }
  return frames.join('') + last(frames.length);
}

function frame(type: string, number: number, members: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members, sequence_number: number })}\n\n`;
}
