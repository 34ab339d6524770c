import { ApiProperty, type ApiPropertyOptions } from '../../http/documents/decorators';
import type { Operation } from '../../engines/engine-adapter.port';
import { anyJson, SchemaKeywords } from '../../http/documents/schemas';
import { PROMPT_MAX, TaskFieldsDto, TextFieldsDto } from './create-task.dto';
import { textOrTextsSchema } from './text-or-texts';
import { workMembers } from './work-fields';

/*
 * For the OpenAPI document: the forms of a `CreateTaskDto`, one for each thing that a task can work on. Members that steer engines are
 * not among them, but for a few: there are a hundred, and they belong to engines.
 */

/** What may not stand beside the work, but as null. */
const onlyNull = { type: 'string', nullable: true, enum: [null], required: false } as const;
const NotBeside = (other: string): PropertyDecorator =>
  ApiProperty({ description: `Not beside \`${other}\`.`, ...onlyNull });

/** The operation as it may be named beside the members that tell it. */
function Told(operation: Operation, description = 'What is to be done.'): PropertyDecorator {
  const schema = { type: 'string', nullable: true, enum: [operation, null], required: false } as const;
  return ApiProperty({ description, ...schema });
}

const older = 'The older name of `operation`.';

function Work(name: keyof typeof workMembers): PropertyDecorator {
  const { description, schema } = workMembers[name];
  return ApiProperty({ description, ...schema } as unknown as ApiPropertyOptions);
}

const Steering = (description: string, schema: ApiPropertyOptions): PropertyDecorator =>
  ApiProperty({ description, required: false, ...schema } as ApiPropertyOptions);
const choices = { type: 'integer', minimum: 1, maximum: 128, nullable: true } as const;
const someObject = { type: 'object', additionalProperties: true, nullable: true } as const;

@SchemaKeywords({ example: { prompt: 'Say hello.', max_tokens: 32 } })
class PromptTaskDto extends TextFieldsDto {
  @Told('completion') operation?: string;
  @Told('completion', older) workload?: string;
  @ApiProperty({ description: 'The text to complete.', type: 'string', maxLength: PROMPT_MAX }) prompt!: string;
  @Steering('Choices.', choices) n?: number;
  @NotBeside('prompt') inputs?: null;
  @NotBeside('prompt') messages?: null;
  @NotBeside('prompt') input?: null;
  @NotBeside('prompt') query?: null;
  @NotBeside('prompt') documents?: null;
}

@SchemaKeywords({ example: { inputs: ['Say hello.', 'Then say goodbye.'], max_tokens: 32 } })
class InputsTaskDto extends TextFieldsDto {
  @Told('completion') operation?: string;
  @Told('completion', older) workload?: string;
  @ApiProperty(textOrTextsSchema) inputs!: string | string[];
  @Steering('Choices.', choices) n?: number;
  @NotBeside('inputs') prompt?: null;
  @NotBeside('inputs') messages?: null;
  @NotBeside('inputs') input?: null;
  @NotBeside('inputs') query?: null;
  @NotBeside('inputs') documents?: null;
}

@SchemaKeywords({ example: { messages: [{ role: 'user', content: 'Say hello.' }], max_tokens: 32 } })
class ChatTaskDto extends TextFieldsDto {
  @Told('chat') operation?: string;
  @Told('chat', older) workload?: string;
  @Work('messages') messages!: unknown[];
  @Steering('Choices.', choices) n?: number;
  @Steering('Tools that the model may call, as OpenAI’s API has them.', {
    type: 'array',
    maxItems: 1024,
    items: { type: 'object', additionalProperties: true },
    nullable: true,
  })
  tools?: unknown[];
  @Steering('Which of them: `auto`, `none`, `required`, or one by name.', anyJson as ApiPropertyOptions)
  tool_choice?: unknown;
  @Steering('The form of the answer.', someObject) response_format?: object;
  @NotBeside('messages') prompt?: null;
  @NotBeside('messages') inputs?: null;
  @NotBeside('messages') input?: null;
  @NotBeside('messages') query?: null;
  @NotBeside('messages') documents?: null;
}

@SchemaKeywords({ example: { operation: 'embedding', input: 'Hello.' } })
class EmbeddingTaskDto extends TaskFieldsDto {
  @ApiProperty({ description: 'Has to be named.', type: 'string', enum: ['embedding'] }) operation!: string;
  @Told('embedding', older) workload?: string;
  @Work('input') input!: unknown;
  @Steering('Numbers, or their bytes.', { type: 'string', enum: ['float', 'base64', null], nullable: true })
  encoding_format?: string;
  @NotBeside('input') prompt?: null;
  @NotBeside('input') inputs?: null;
  @NotBeside('input') messages?: null;
  @NotBeside('input') query?: null;
  @NotBeside('input') documents?: null;
}

@SchemaKeywords({ example: { query: 'hello', documents: ['Hello.', 'Goodbye.'] } })
class RerankTaskDto extends TaskFieldsDto {
  @Told('rerank') operation?: string;
  @Told('rerank', older) workload?: string;
  @Work('query') query!: string;
  @Work('documents') documents!: unknown[];
  @NotBeside('documents') prompt?: null;
  @NotBeside('documents') inputs?: null;
  @NotBeside('documents') messages?: null;
  @NotBeside('documents') input?: null;
}

export const taskBodies = [PromptTaskDto, InputsTaskDto, ChatTaskDto, EmbeddingTaskDto, RerankTaskDto];
