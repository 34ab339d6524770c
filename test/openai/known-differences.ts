import type { Difference } from './differences';

/** A difference that is meant: in what, and why. */
export interface KnownDifference extends Difference {
  readonly reason: string;
}

const left = (reason: string, ...paths: readonly string[]): readonly KnownDifference[] =>
  paths.map(path => ({ path, kind: 'left out', reason }));
const added = (reason: string, ...paths: readonly string[]): readonly KnownDifference[] =>
  paths.map(path => ({ path, kind: 'added', reason }));
const changed = (reason: string, ...paths: readonly string[]): readonly KnownDifference[] =>
  paths.map(path => ({ path, kind: 'changed', reason }));

/** Of an answer, against what the engine gave. */
export const answerDifferences: readonly KnownDifference[] = [
  ...changed('The id has the id of the task in it, by which it can be looked up and cancelled.', 'id'),
  ...changed('The time at which the task was admitted.', 'created'),
  ...changed('The name that was asked for, not the one that the engine resolved it to.', 'model'),
  ...added('The specification wants it, and null where none were asked for.', 'choices[].logprobs'),
  ...left('An empty list says nothing.', 'choices[].message.annotations'),
  ...left('Noise against onlookers who count the bytes of a stream; it means nothing to a client.', 'obfuscation'),
  ...left('Of the engine’s own operation; the task’s priority is what was asked for here.', 'service_tier'),
  ...left(
    'Told by the engine of each chunk; a task keeps what was put out, and which engine put it out.',
    'system_fingerprint',
  ),
  ...left(
    'A task counts prompt, cached, generated and reasoning tokens.',
    'usage.completion_tokens_details.accepted_prediction_tokens',
    'usage.completion_tokens_details.audio_tokens',
    'usage.completion_tokens_details.rejected_prediction_tokens',
    'usage.prompt_tokens_details.audio_tokens',
  ),
  ...changed('A code of docs/errors.md in lower case, whichever engine it comes from.', 'error.code'),
  ...changed(
    'The service refuses what it needs itself, and models that nobody has, in its own words.',
    'error.message',
  ),
  ...changed('The member at fault is named where the API leaves it open.', 'error.param'),
];

/** Of what an engine is sent, against what the client sent. */
export const requestDifferences: readonly KnownDifference[] = [
  ...added(
    'Text is always streamed from the engine: a client that leaves is noticed, and nothing is lost at a time-out.',
    'stream',
  ),
  ...added(
    'Usage is always asked for: budgets are settled by it. A client that did not ask is not told.',
    'stream_options',
  ),
];
