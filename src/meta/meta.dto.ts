import {
  AnswerCount,
  AnswerFlag,
  AnswerId,
  AnswerPart,
  AnswerParts,
  AnswerText,
  AnswerTexts,
} from '../http/fields/answer-fields';

export class RateLimitsView {
  @AnswerCount('How many tasks its replicas can run at once.') slots_total!: number;
  @AnswerCount('How many tasks can wait.') queue_capacity!: number;
}

export class EngineCapabilitiesView {
  @AnswerId('Kind of engine.') engine!: string;
  @AnswerText('Version of the engine, by its own word; empty while that is not known.') engine_version!: string;
  @AnswerFlag('It is part of this service, and stands in where no engine is.') builtin!: boolean;
  @AnswerCount('Context of one slot, in tokens; null where that is not known.', { nullable: true })
  ctx_max!: number | null;
  @AnswerTexts('Kinds of work that it takes.') supported_workloads!: readonly string[];
  @AnswerTexts('What it can do besides.') features!: readonly string[];
  @AnswerTexts('Models that it declares.') models!: readonly string[];
  @AnswerTexts('Pools that have it.') pools!: readonly string[];
  @AnswerPart('How much it takes at once.', RateLimitsView) rate_limits!: RateLimitsView;
}

export class CapabilitiesView {
  @AnswerText('Version of this API.') api_version!: string;
  @AnswerParts('Engines that are bound, by kind and version.', EngineCapabilitiesView)
  engines!: readonly EngineCapabilitiesView[];
}

/** Paths start at the root of this address. */
export class AboutView {
  @AnswerText('Name of the service.') name!: string;
  @AnswerText('What it does.') description!: string;
  @AnswerText('Version of the service.') version!: string;
  @AnswerText('Version of this API.') api_version!: string;
  @AnswerText('Path of the documentation to browse.') docs!: string;
  @AnswerText('Path of the OpenAPI document.') openapi!: string;
  @AnswerText('Path of the liveness probe.') healthz!: string;
  @AnswerText('Path of the readiness probe.') readyz!: string;
  @AnswerText('Path of the metrics.') metrics!: string;
  @AnswerText('Path of the capabilities.') capabilities!: string;
  @AnswerText('Path of the tasks.') tasks!: string;
}

export class VersionView {
  @AnswerText('Version of the service.') version!: string;
  @AnswerText('Version of this API.') api_version!: string;
  @AnswerText('Version of Node.js that it runs on.') node!: string;
}

export class StatusView {
  @AnswerText('`ok` or `ready`, as the probe asks.') status!: string;
}
