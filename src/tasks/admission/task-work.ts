import { isText, type Operation } from '../../engines/engine-adapter.port';
import { ServiceError } from '../../errors/service-error';
import type { Sampling } from '../task/task';
import { assertBody, choicesOf } from '../task/work-body';
import { carriedParameters, isParameterOf } from './engine-parameters';
import { MAX_TOKENS_DEFAULT, type CreateTaskDto } from './create-task.dto';

/** What a task is to do, in the form in which it is kept. */
export interface TaskWork {
  readonly operation: Operation;
  /** Undefined for a plain completion, which is kept as its prompt. */
  readonly body?: string;
  readonly prompt: string;
  /** Over all choices. */
  readonly maxTokens: number;
}

/** The members that say what is worked on, and in which operation. */
const membersOf = {
  completion: ['prompt', 'inputs'],
  chat: ['messages'],
  embedding: ['input'],
  rerank: ['query', 'documents'],
} as const satisfies Readonly<Record<Operation, readonly (keyof CreateTaskDto)[]>>;
const operationMembers = Object.entries(membersOf);

const samplingNames = [
  ...['temperature', 'top_p', 'top_k', 'min_p', 'repeat_penalty'],
  ...['presence_penalty', 'frequency_penalty', 'seed', 'stop'],
] as const satisfies readonly (keyof CreateTaskDto)[];

/** A task without any of these is a plain completion: the hot path, on which nothing else is looked at. */
const beyondPrompts: ReadonlySet<string> = new Set([
  ...carriedParameters.keys(),
  ...['operation', 'workload', 'messages', 'input', 'query', 'documents'],
]);

/** @throws ServiceError INVALID_PARAMS for work that is missing, or goes with another operation than the rest */
export function workOf(task: CreateTaskDto): TaskWork {
  const maxTokens = task.max_tokens ?? MAX_TOKENS_DEFAULT;
  if (!isBeyondPrompt(task)) return { operation: 'completion', prompt: promptOf(task), maxTokens };
  const operation = operationOf(task);
  assertOnly(operation, task);
  const prompt = operation === 'completion' ? promptOf(task) : '';
  const carried = carriedBy(task);
  if (operation === 'completion' && Object.keys(carried).length === 0) return { operation, prompt, maxTokens };
  const body = {
    ...workIn(operation, task, prompt),
    ...(isText(operation) && { max_tokens: maxTokens, ...samplingIn(task) }),
    ...carried,
  };
  assertBody[operation](body);
  return {
    operation,
    body: JSON.stringify(body),
    prompt,
    maxTokens: isText(operation) ? maxTokens * choicesOf(body) : 1,
  };
}

function isBeyondPrompt(task: CreateTaskDto): boolean {
  for (const name in task) if (beyondPrompts.has(name) && task[name as keyof CreateTaskDto] != null) return true;
  return false;
}

export function samplingOf(body: CreateTaskDto): Sampling {
  return {
    ...(body.seed != null && { seed: body.seed }),
    ...(body.temperature != null && { temperature: body.temperature }),
    ...(body.top_p != null && { topP: body.top_p }),
    ...(body.top_k != null && { topK: body.top_k }),
    ...(body.min_p != null && { minP: body.min_p }),
    ...(body.repeat_penalty != null && { repeatPenalty: body.repeat_penalty }),
    ...(body.presence_penalty != null && { presencePenalty: body.presence_penalty }),
    ...(body.frequency_penalty != null && { frequencyPenalty: body.frequency_penalty }),
    ...(body.stop != null && { stop: body.stop }),
  };
}

/** As it was named; else what the members are of, where that is not just another name for a prompt. */
function operationOf(task: CreateTaskDto): Operation {
  const { operation, workload, messages, query, documents } = task;
  if (operation != null && workload != null && operation !== workload)
    throw invalid('workload', `workload says ${workload}, and operation ${operation}: leave it out`);
  const named = operation ?? workload;
  if (named != null) return named;
  if (messages != null) return 'chat';
  return query != null || documents != null ? 'rerank' : 'completion';
}

function assertOnly(operation: Operation, task: CreateTaskDto): void {
  for (const [of, members] of operationMembers) {
    if (of === operation) continue;
    const member = members.find(name => task[name] != null);
    if (member === undefined) continue;
    const advice =
      member === 'input' ? 'say it as inputs, or name the operation' : 'leave it out, or name the operation';
    throw invalid(member, `${member} is for the operation ${of}, and this is ${operation}: ${advice}`);
  }
  for (const name in task)
    if (task[name as keyof CreateTaskDto] != null && isForeign(operation, name))
      throw invalid(name, `${name} does not work with the operation ${operation}: leave it out`);
}

function isForeign(operation: Operation, name: string): boolean {
  if (carriedParameters.has(name)) return !isParameterOf(operation, name);
  return !isText(operation) && (name === 'max_tokens' || (samplingNames as readonly string[]).includes(name));
}

function promptOf({ prompt, inputs }: CreateTaskDto): string {
  if (prompt != null && inputs != null) throw invalid('inputs', 'prompt and inputs cannot both be given');
  const text = prompt ?? (Array.isArray(inputs) ? inputs.join('\n') : inputs);
  if (text == null)
    throw invalid('prompt', 'prompt (or inputs, messages, or what another operation works on) is required');
  // A lone surrogate has no UTF-8 and would reach the engine as something else.
  return text.toWellFormed();
}

function workIn(operation: Operation, { messages, input, query, documents }: CreateTaskDto, prompt: string): object {
  switch (operation) {
    case 'completion':
      return { prompt };
    case 'chat':
      return { messages };
    case 'embedding':
      return { input };
    case 'rerank':
      return { query, documents };
  }
}

function samplingIn(task: CreateTaskDto): object {
  return Object.fromEntries(samplingNames.filter(name => task[name] != null).map(name => [name, task[name]]));
}

function carriedBy(task: CreateTaskDto): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(task).filter(([name, value]) => value != null && carriedParameters.has(name)),
  );
}

function invalid(field: string, message: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { field, message });
}
