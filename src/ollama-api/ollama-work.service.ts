import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors/service-error';
import { objectIn, textIn } from '../json/members';
import { factsOf as openaiFactsOf } from '../openai/answers/answer-facts';
import { TaskAnswers } from '../openai/answers/task-answers';
import { WholeAnswer } from '../openai/answers/whole-answer';
import { ModelNames, type ListedModel } from '../openai/requests/model-names';
import type { OpenaiRequest } from '../openai/requests/openai-request';
import { OpenaiTasks } from '../openai/requests/openai-tasks';
import { workHeadersOf, type WorkHeaders } from '../openai/requests/work-headers';
import { Clock } from '../time/clock';
import { factsOf, pieceOf, type TextForm } from './answers/ollama-facts';
import { OllamaStream, OllamaSum } from './answers/ollama-stream';
import { toEmbedding, type OllamaRequest } from './requests/ollama-request';

const SECOND_MS = 1000;
const DEFAULT_TAG = ':latest';

interface EmbeddingAnswer {
  readonly data: readonly { readonly embedding: unknown }[];
  readonly usage: { readonly prompt_tokens: number };
}

/** Requests of Ollama's API: each is a chat, a completion or embeddings, and its answer a rendering of what those put out. */
@Injectable()
export class OllamaWork {
  constructor(
    private readonly tasks: OpenaiTasks,
    private readonly answers: TaskAnswers,
    private readonly models: ModelNames,
    private readonly clock: Clock,
  ) {}

  /** Resolves to what is to be sent; to undefined where it was streamed, or nobody is there to read it. */
  async text(wanted: OllamaRequest, form: TextForm, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { model, stream, work } = wanted;
    const headers = workHeadersOf(request.headers);
    if (!work) {
      await this.models.get(this.known(model));
      const loaded = { model, form, createdAt: new Date(this.clock.wallMs()).toISOString() };
      return { ...pieceOf(loaded, {}), done: true, done_reason: 'load' };
    }
    const admission = await this.submit(work, headers, request, reply);
    const facts = factsOf(model, form, admission);
    if (stream) return this.answers.stream(admission, new OllamaStream(facts), reply);
    return this.answers.whole(admission, new OllamaSum(facts), reply);
  }

  async embed(member: 'input' | 'prompt', request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { model, work } = toEmbedding(request.body, member);
    if (!work) return undefined;
    const admission = await this.submit(work, workHeadersOf(request.headers), request, reply);
    const sum = new WholeAnswer(openaiFactsOf(work, admission), work);
    const answer = (await this.answers.whole(admission, sum, reply)) as EmbeddingAnswer | undefined;
    if (!answer) return undefined;
    const embeddings = answer.data.map(({ embedding }) => embedding);
    if (member === 'prompt') return { embedding: embeddings[0] };
    return { model, embeddings, total_duration: 0, load_duration: 0, prompt_eval_count: answer.usage.prompt_tokens };
  }

  list(): object {
    return { models: this.models.list().map(shown) };
  }

  /** Sizes are the engines' own business. */
  loaded(): object {
    const models = this.models.loaded().map(({ id }) => {
      const context = this.models.contextOf(id);
      const memory = { expires_at: NEVER, size_vram: 0, ...(context !== undefined && { context_length: context }) };
      return { name: id, model: id, size: 0, digest: '', details, ...memory };
    });
    return { models };
  }

  /** @throws ServiceError MODEL_NOT_FOUND */
  async show(sent: unknown): Promise<object> {
    const { model, name } = objectIn('body', sent);
    const asked = textIn('model', model ?? name, 256);
    const known = await this.models.get(this.known(asked));
    const context = this.models.contextOf(known.id);
    return {
      ...{ license: '', modelfile: '', parameters: '', template: '' },
      details,
      model_info: {
        'general.architecture': 'unknown',
        ...(context !== undefined && { 'unknown.context_length': context }),
      },
      capabilities: ['completion', 'tools'],
      modified_at: modifiedAt(known),
    };
  }

  private submit(work: OpenaiRequest, headers: WorkHeaders, request: FastifyRequest, reply: FastifyReply) {
    const named = { ...work, model: this.known(work.model) };
    return this.tasks.submitFor(request, named, headers, reply);
  }

  /** Clients add a tag to names that have none. */
  private known(name: string): string {
    if (!name.endsWith(DEFAULT_TAG) || this.models.isReady(name)) return name;
    return name.slice(0, -DEFAULT_TAG.length);
  }
}

/** What only Ollama itself does. */
export function notDone(what: string): ServiceError {
  return new ServiceError('NOT_SUPPORTED', { message: `${what} is not done here: models belong to the engines.` });
}

/** When an engine will let go of a model nobody here knows; a time that has passed would say that it does so now. */
const NEVER = '9999-12-31T23:59:59Z';

const details = {
  parent_model: '',
  format: '',
  family: '',
  families: null,
  parameter_size: '',
  quantization_level: '',
};

function shown(model: ListedModel): object {
  const { id } = model;
  return { name: id, model: id, modified_at: modifiedAt(model), size: 0, digest: '', details };
}

function modifiedAt({ created }: ListedModel): string {
  return new Date(created * SECOND_MS).toISOString();
}
