import { membersOf } from '../engine-json';

type ReasoningName = 'reasoning' | 'reasoning_content';

/**
 * Messages with the reasoning of earlier answers under the one name that an engine reads; clients send back either, as they got it. The
 * same list where there is nothing to rename, or no list.
 */
export function withReasoning(messages: unknown, name: ReasoningName): unknown {
  const other = name === 'reasoning' ? 'reasoning_content' : 'reasoning';
  if (!Array.isArray(messages) || !messages.some(message => other in membersOf(message))) return messages;
  return messages.map((message: unknown) => {
    const { [other]: renamed, ...rest } = membersOf(message);
    return renamed === undefined ? message : { [name]: renamed, ...rest };
  });
}
