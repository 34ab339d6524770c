import { createHash } from 'node:crypto';
import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import type { Routes } from '../../routes/routes';
import { WireError } from '../../wire-error';
import { nowSeconds } from '../openai/counts';
import { nativeErrors } from './errors';
import { bodyOf } from './http';
import { tagged, type OllamaModels, type PulledModel } from './models';

const SIZE_BYTES = 44_993_654;

/** What the server tells about itself and its models, and how they are pulled. Its queue shows nowhere. */
export function serverRoutes(core: EngineCore, models: OllamaModels): Routes {
  const { ctxTokens, old, reasoningTokens } = core.settings;
  const details = {
    parent_model: '',
    format: 'gguf',
    family: 'llama',
    families: ['llama'],
    parameter_size: '19.49M',
    quantization_level: 'F16',
  };
  const capabilities = ['completion', 'tools', ...(reasoningTokens > 0 ? ['thinking'] : [])];
  const started = new Date().toISOString();
  const openaiView = (id: string) => ({ id, object: 'model', created: nowSeconds(), owned_by: 'library' });
  const known = (exchange: Exchange) => {
    const { model, name } = bodyOf(exchange, nativeErrors);
    const asked = typeof model === 'string' ? model : typeof name === 'string' ? name : '';
    if (!models.has(asked)) throw nativeErrors.notFound(`model '${tagged(asked)}' not found`);
    return asked;
  };
  return {
    'GET /': exchange => exchange.send(200, 'text/plain; charset=utf-8', 'Ollama is running'),
    'GET /api/version': exchange => exchange.sendJson(200, { version: old ? '0.11.4' : '0.33.0-rc2' }),
    'GET /api/tags': exchange =>
      exchange.sendJson(200, {
        models: models.pulled.map(({ name }) => ({
          ...{ name, model: name, modified_at: started, size: SIZE_BYTES, digest: digestOf(name) },
          details: { ...details, context_length: ctxTokens, embedding_length: 64 },
          capabilities,
        })),
      }),
    'GET /api/ps': exchange =>
      exchange.sendJson(200, {
        models: models.pulled.filter(({ instance }) => instance).map(model => runningView(model, details, ctxTokens)),
      }),
    'POST /api/show': exchange => {
      const name = known(exchange);
      exchange.sendJson(200, {
        license: 'none',
        modelfile: `FROM ${name}`,
        template: '{{ .Prompt }}',
        details,
        model_info: {
          'general.architecture': 'llama',
          'llama.context_length': ctxTokens,
          'llama.embedding_length': 64,
        },
        capabilities,
        modified_at: started,
      });
    },
    'POST /api/pull': exchange => pull(exchange, models),
    'GET /v1/models': exchange => {
      exchange.types.json = 'application/json';
      exchange.sendJson(200, { object: 'list', data: models.pulled.map(({ name }) => openaiView(name)) });
    },
    ...Object.fromEntries(
      models.pulled.map(({ name }) => {
        const short = name.replace(/:latest$/, '');
        const handler = (exchange: Exchange) => {
          exchange.types.json = 'application/json';
          exchange.sendJson(200, openaiView(short));
        };
        return [`GET /v1/models/${short}`, handler] as const;
      }),
    ),
  };
}

/** Nothing is fetched: a model that is there is there, another one has no registry to come from. */
function pull(exchange: Exchange, models: OllamaModels): void {
  const { model, stream } = bodyOf(exchange, nativeErrors);
  const name = typeof model === 'string' ? model : '';
  const known = models.has(name);
  const error = { error: 'pull model manifest: file does not exist' };
  if (stream === false) {
    if (!known) throw new WireError(500, error, { contentType: 'application/json' });
    return exchange.sendJson(200, { status: 'success' });
  }
  const steps = ['pulling manifest', 'verifying sha256 digest', 'writing manifest', 'success'].map(status => ({
    status,
  }));
  const lines = known ? steps : [{ status: 'pulling manifest' }, error];
  exchange.stream(lines.map(line => `${JSON.stringify(line)}\n`));
  exchange.endStream();
}

function runningView({ name, expiresAtMs }: PulledModel, details: object, ctxTokens: number): object {
  const expires = Number.isFinite(expiresAtMs) && expiresAtMs > 0 ? new Date(expiresAtMs) : new Date(8.64e15 / 10);
  return {
    ...{ name, model: name, size: SIZE_BYTES * 2, digest: digestOf(name), details },
    expires_at: expires.toISOString(),
    size_vram: 0,
    context_length: ctxTokens,
  };
}

function digestOf(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}
