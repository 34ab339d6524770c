import type { EngineSettings } from '../../engine-options';
import type { RouterModel } from './model-router';

/** `GET /v1/models` and `/models` of a server with one model. */
export function modelsView(settings: EngineSettings): object {
  const { model, aliases } = settings;
  return {
    models: [
      {
        name: model,
        model,
        modified_at: '',
        size: '',
        digest: '',
        type: 'model',
        description: '',
        tags: [''],
        capabilities: ['completion'],
        parameters: '',
        details: {
          parent_model: '',
          format: 'gguf',
          family: '',
          families: [''],
          parameter_size: '',
          quantization_level: '',
        },
      },
    ],
    object: 'list',
    data: [
      {
        id: model,
        aliases: [model, ...aliases],
        tags: [],
        object: 'model',
        created: nowSeconds(),
        owned_by: 'llamacpp',
        meta: metaView(settings.ctxTokens, 2, 151_936),
      },
    ],
  };
}

/** `GET /v1/models` and `/models` of a router. */
export function routerModelsView(models: Iterable<RouterModel>, ctxTokens: number): object {
  const created = nowSeconds();
  return { data: [...models].map(model => routerModelView(model, created, ctxTokens)), object: 'list' };
}

function routerModelView({ name, state, port, failed }: RouterModel, created: number, ctxTokens: number): object {
  const file = `models/${name}.gguf`;
  return {
    id: name,
    aliases: [],
    tags: [],
    object: 'model',
    owned_by: 'llamacpp',
    created,
    status: {
      value: state,
      args: [
        'llama-server',
        '--host',
        '127.0.0.1',
        '--port',
        String(port),
        '--no-webui',
        '--alias',
        name,
        '--model',
        file,
      ],
      preset: `[${name}]\nwebui = 0\nmodel = ${file}\n\n`,
      ...(failed && { exit_code: 1, failed }),
    },
    architecture: { input_modalities: ['text'], output_modalities: ['text'] },
    source: 'models_dir',
    can_remove: false,
    ...(state === 'loaded' && { meta: metaView(ctxTokens, 1, 32_000) }),
  };
}

function metaView(ctxTokens: number, vocabType: number, vocabTokens: number): object {
  return {
    vocab_type: vocabType,
    n_vocab: vocabTokens,
    n_ctx: ctxTokens,
    n_ctx_train: Math.max(4096, ctxTokens),
    n_embd: 64,
    n_params: 19_554_624,
    size: 78_218_496,
    ftype: 'all F32',
  };
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
