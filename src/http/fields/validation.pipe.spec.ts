import 'reflect-metadata';
import type { ArgumentMetadata } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { CreateTaskDto } from '../../tasks/admission/create-task.dto';
import { TaskListQuery } from '../../tasks/tasks.dto';
import { warningsOf } from './unknown-members';
import { DtoValidationPipe } from './validation.pipe';

const pipe = new DtoValidationPipe();
const bodyOfTask: ArgumentMetadata = { type: 'body', metatype: CreateTaskDto };
const queryOfTasks: ArgumentMetadata = { type: 'query', metatype: TaskListQuery };

/** A value that notes which of its members anybody looks at; their names may be gone through, for they are bounded. */
function watched(value: object): { value: object; seen: Set<string | symbol> } {
  const seen = new Set<string | symbol>();
  const proxy = new Proxy(value, {
    get: (target, name): unknown => (seen.add(name), Reflect.get(target, name)),
  });
  return { value: proxy, seen };
}

describe('what is validated', () => {
  it.each([
    [{ prompt: 'x', unknown: 1 }, undefined],
    [{ prompt: 'x', ctx: -1, unknown: 1 }, 'ctx must be >= 0'],
  ])('of a body is what its class knows, and nothing else is touched: %j', async (body, fault) => {
    const { value, seen } = watched(body);
    const made = pipe.transform(value, bodyOfTask);
    if (fault === undefined) expect(await made).toEqual({ prompt: 'x' });
    else await expect(made).rejects.toThrow(fault);
    expect(seen).toContain('prompt');
    expect(seen).not.toContain('unknown');
  });

  it.each([
    ['placement', {}, 'placement.0 is not known, only pin_pool_id, prefer_pools, avoid_pools'],
    ['placement', { prefer_pools: 7 }, 'placement.prefer_pools must be an array of strings'],
    ['placement', [], 'placement must be an object'],
    ['prompt', {}, 'prompt must be a string'],
    ['stop', {}, 'stop must be an array of strings'],
    ['model_ref', [], 'model_ref must be a string'],
  ])('of a field is not more than tells whether it is right: %s %j', async (name, field, fault) => {
    const { value, seen } = watched(Object.assign(field, { 0: 'unknown' }));
    await expect(pipe.transform({ prompt: 'x', [name]: value }, bodyOfTask)).rejects.toThrow(fault);
    expect(seen).not.toContain('0');
  });

  it.each([
    ['id_slot', 0, 'id_slot does not work here: leave it out'],
    ['system', 'Be brief.', 'system does not work here: say it in messages'],
    ['n', 129, 'n must be an integer from 1 to 128'],
    ['tools', {}, 'tools must be a list of at most 1024 objects'],
    ['max_new_tokens', 5, 'max_new_tokens does not work here: say it as max_tokens'],
    ['model', 'tiny', 'model does not work here: say it as model_ref'],
  ])('of a task is refused by name where engines take it and we do not: %s', async (field, value, message) => {
    const made = pipe.transform({ prompt: 'x', [field]: value }, bodyOfTask);
    await expect(made).rejects.toMatchObject({ code: 'INVALID_PARAMS', message, details: { field } });
    await expect(pipe.transform({ prompt: 'x', [field]: null }, bodyOfTask)).resolves.toEqual({ prompt: 'x' });
  });

  it('of a task stays on it as it came, where it is for the engine', async () => {
    const grammar = {
      grammar: 'root ::= "a"',
      n: 2,
      logit_bias: [[1, false]],
      response_format: { type: 'json_object' },
    };
    const made = (await pipe.transform({ prompt: 'x', ...grammar, seen: 1 }, bodyOfTask)) as object;
    expect(made).toEqual({ prompt: 'x', ...grammar });
    expect(warningsOf(made)).toMatchObject({ warnings: [{ field: 'seen' }] });
  });

  it.each([
    ['n', 1],
    ['echo', false],
    ['user', 'somebody'],
    ['toString', 1],
    ['constructor', {}],
  ])('of a task may be there where it asks for nothing else: %s', async (field, value) => {
    await expect(pipe.transform({ prompt: 'x', [field]: value }, bodyOfTask)).resolves.toEqual({ prompt: 'x' });
  });

  it.each([
    [{ repeat_penalty: 0 }, 'repeat_penalty must be >= 0.01'],
    [{ repeat_penalty: 1e-300 }, 'repeat_penalty must be >= 0.01'],
    [{ stop: ['a', ''] }, 'stop must hold no empty strings'],
    [{ seed: 4_294_967_295 }, 'seed must be <= 4294967294'],
  ])('of a task is what engines take as it is meant: %j', async (field, message) => {
    await expect(pipe.transform({ prompt: 'x', ...field }, bodyOfTask)).rejects.toThrow(message);
  });

  it('of a query is what its class knows', async () => {
    const { value, seen } = watched({ limit: '7', unknown: '1' });
    expect(await pipe.transform(value, queryOfTasks)).toEqual({ limit: 7 });
    expect(seen).not.toContain('unknown');
    await expect(pipe.transform({ limit: ['1', '2'] }, queryOfTasks)).rejects.toThrow('limit must be');
  });

  it('counts characters, not units', async () => {
    const named = (model: string): Promise<unknown> => pipe.transform({ prompt: 'x', model_ref: model }, bodyOfTask);
    await expect(named('\u{1F600}'.repeat(256))).resolves.toBeDefined();
    await expect(named('\u{1F600}'.repeat(257))).rejects.toThrow('model_ref must have at most 256 characters');
    await expect(named('x'.repeat(257))).rejects.toThrow('model_ref must have at most 256 characters');
    await expect(named('')).rejects.toThrow('model_ref must have at least 1 characters');
  });
});
