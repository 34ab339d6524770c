import { idPattern, YEAR_MS } from '../../config/parsers';
import { operations, type Operation } from '../../engines/engine-adapter.port';
import {
  ChoiceField,
  IdField,
  IntField,
  NestedField,
  NumberField,
  TextField,
  TextListField,
} from '../../http/fields/fields';
import { CarriedMembers } from '../../http/fields/carried-members';
import { RefusedMembers } from '../../http/fields/refused-members';
import { SchemaKeywords } from '../../http/documents/schemas';
import { RefusesUnknown } from '../../http/fields/unknown-members';
import { priorities } from '../task/task';
import { carriedParameters, refusedParameters } from './engine-parameters';
import { TextOrTextsField } from './text-or-texts';
import { WorkField } from './work-fields';

/** The body limit is in bytes and is what really bounds a prompt; this only keeps the schema honest. */
export const PROMPT_MAX = 256 * 1024 * 1024;
const MODEL_REF_MAX = 256;
export const MAX_TOKENS_DEFAULT = 256;
export const DEADLINE_DEFAULT_MS = 60_000;

@RefusesUnknown()
@SchemaKeywords({ nullable: true, additionalProperties: false })
class PlacementDto {
  @IdField({ description: 'The only pool that may run the task.', optional: true })
  pin_pool_id?: string;

  @TextListField({
    description: 'Pools tried first.',
    maxItems: 32,
    maxLength: 128,
    pattern: idPattern,
    optional: true,
  })
  prefer_pools?: string[];

  @TextListField({
    description: 'Pools that must not run it.',
    maxItems: 32,
    maxLength: 128,
    pattern: idPattern,
    optional: true,
  })
  avoid_pools?: string[];
}

/** What a task says beside its work. */
export class TaskFieldsDto {
  @IdField({
    description: 'Identifies the task; a UUIDv7 when absent. The same id with the same body is one admission.',
    optional: true,
  })
  task_id?: string;

  @IdField({ description: 'The session it belongs to; its own when absent.', optional: true })
  session_id?: string;

  @TextField({
    description:
      "The model, by any name it goes by: its engine's name for it, an alias, its file, the catalogue's id. Any that a pool serves when absent, on a router the one that is loaded.",
    minLength: 1,
    maxLength: MODEL_REF_MAX,
    optional: true,
  })
  model_ref?: string;

  @IdField({ description: 'Kind of engine; any when absent.', example: 'vllm', optional: true })
  engine?: string;

  @IntField({
    description: 'The least context of a slot that will do, in tokens; any when absent or 0.',
    min: 0,
    max: 16_777_216,
    optional: true,
  })
  ctx?: number;

  @ChoiceField({
    description: 'Interactive goes first; batch ages so that it is never starved.',
    values: priorities,
    optional: true,
  })
  priority?: string;

  @IntField({
    description: 'Tokens the client expects in all; a hint that admission may refuse on.',
    min: 0,
    max: 1e12,
    optional: true,
  })
  expected_tokens?: number;

  // Zero and below have an error code of their own, so they pass here.
  @IntField({
    description: `Milliseconds from admission to the task's end (${DEADLINE_DEFAULT_MS}).`,
    min: -YEAR_MS,
    documentedMin: 1,
    max: YEAR_MS,
    optional: true,
  })
  deadline_ms?: number;

  @NestedField({ description: 'Where it may run.', type: () => PlacementDto, optional: true })
  placement?: PlacementDto;

  @ChoiceField({
    description: 'When the last reader leaves: `cancel` after a grace (interactive), or `continue` (batch).',
    values: ['cancel', 'continue'],
    optional: true,
  })
  on_disconnect?: string;
}

/** What a task of text says beside it. */
export class TextFieldsDto extends TaskFieldsDto {
  @IntField({
    description: `Most tokens to generate, for each choice (${MAX_TOKENS_DEFAULT}).`,
    min: 1,
    max: 1_048_576,
    optional: true,
  })
  max_tokens?: number;

  // The one that is left of 32 bits asks llama.cpp for a seed of its own choice.
  @IntField({
    description: 'Seed of the sampler; one of its own when absent.',
    min: 0,
    max: 4_294_967_294,
    optional: true,
  })
  seed?: number;

  @NumberField({ description: 'Sampling temperature.', min: 0, max: 100, optional: true })
  temperature?: number;

  @NumberField({ description: 'Nucleus sampling.', min: 0, max: 1, optional: true })
  top_p?: number;

  @IntField({ description: 'Top-k sampling.', min: 0, max: 1_000_000, optional: true })
  top_k?: number;

  @NumberField({ description: 'Min-p sampling.', min: 0, max: 1, optional: true })
  min_p?: number;

  // Engines divide by it, in 32 bits.
  @NumberField({ description: 'Repeat penalty.', min: 0.01, max: 100, optional: true })
  repeat_penalty?: number;

  @NumberField({ description: 'Presence penalty.', min: -100, max: 100, optional: true })
  presence_penalty?: number;

  @NumberField({ description: 'Frequency penalty.', min: -100, max: 100, optional: true })
  frequency_penalty?: number;

  @TextListField({
    description: 'Texts at which generation stops.',
    maxItems: 16,
    nonEmpty: true,
    maxLength: 256,
    optional: true,
  })
  stop?: string[];
}

/**
 * A task as a client submits it: `prompt` or `inputs`, `messages`, `input`, or `query` and `documents`. Beside them it may have what
 * steers engines.
 */
@RefusedMembers(refusedParameters)
@CarriedMembers(carriedParameters)
export class CreateTaskDto extends TextFieldsDto {
  @ChoiceField({
    description: 'What is to be done; by default what the members say.',
    values: operations,
    optional: true,
  })
  operation?: Operation;

  @ChoiceField({ description: 'The older name of `operation`.', values: operations, optional: true })
  workload?: Operation;

  @TextField({ description: 'The text to complete.', maxLength: PROMPT_MAX, optional: true })
  prompt?: string;

  @TextOrTextsField()
  inputs?: string | string[];

  @WorkField('messages')
  messages?: unknown;

  @WorkField('input')
  input?: unknown;

  @WorkField('query')
  query?: unknown;

  @WorkField('documents')
  documents?: unknown;
}
