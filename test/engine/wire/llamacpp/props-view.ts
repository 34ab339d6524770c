import type { EngineSettings } from '../../engine-options';
import { standingSettings } from './generation-settings';

export const BUILD_INFO = 'b1-de3ff81';

/** `GET /props` of a server with one model. */
export function propsView(settings: EngineSettings, model: string, isSleeping: boolean): object {
  return {
    default_generation_settings: { params: standingSettings(), n_ctx: settings.ctxTokens },
    total_slots: settings.slots,
    model_alias: model,
    model_ftype: 'all F32',
    model_path: settings.modelPath ?? model,
    modalities: { vision: false, video: false, audio: false },
    media_marker: '<__media__>',
    endpoint_slots: true,
    endpoint_props: false,
    endpoint_metrics: true,
    ui: false,
    ui_settings: {},
    chat_template: '{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}<|assistant|>',
    chat_template_caps: {
      supports_object_arguments: false,
      supports_parallel_tool_calls: false,
      supports_preserve_reasoning: false,
      supports_reasoning_effort: false,
      supports_string_content: true,
      supports_system_role: true,
      supports_tool_calls: false,
      supports_tools: false,
      supports_typed_content: false,
    },
    bos_token: '<|endoftext|>',
    eos_token: '<|endoftext|>',
    build_info: BUILD_INFO,
    is_sleeping: isSleeping,
    cors_proxy_enabled: false,
  };
}

/** `GET /props` of a router. */
export function routerPropsView({ maxInstances }: EngineSettings): object {
  return {
    role: 'router',
    max_instances: maxInstances,
    models_autoload: true,
    model_alias: 'llama-server',
    model_path: 'none',
    default_generation_settings: { params: null, n_ctx: 0 },
    ui_settings: {},
    build_info: BUILD_INFO,
    cors_proxy_enabled: false,
  };
}
