import type { Config } from './config';
import { settings, type Settings } from './settings';

/** What nodes of one deployment decide by about what they share. Addresses, folders, keys, the log and times of engines are each node's own. */
const shared = [
  ...(['admissionCapacity', 'unservedCapacity', 'admissionPolicy', 'batchAgeingMs', 'queueMaxBytes'] as const),
  ...(['fallback', 'detachGraceMs', 'taskRetentionMs', 'responseRetentionMs', 'taskOutputMaxBytes'] as const),
  ...(['sessionTtlMs', 'sessionsMax', 'sessionTokensBudget', 'sessionTimeBudgetMs', 'sessionCostBudget'] as const),
  ...(['costPer1kTokens', 'transcriptRetentionMs', 'artifactsMaxBytes', 'responsesMax', 'responsesMaxBytes'] as const),
  ...(['conversationRetentionMs', 'conversationsMax', 'conversationsMaxBytes'] as const),
  ...(['conversationMaxItems', 'conversationMaxBytes'] as const),
  ...(['batchMaxLines', 'batchLineMaxBytes', 'batchesMax', 'batchesKeptMax', 'batchLinesAtOnce'] as const),
  ...([
    'batchLinesAtOnceEach',
    'batchModelWaitMs',
    'batchWindowMinMs',
    'batchWindowMaxMs',
    'batchRetentionMs',
  ] as const),
  ...(['fileMaxBytes', 'filesMaxBytes', 'filesMax', 'fileRetentionMs'] as const),
] satisfies readonly (keyof Settings)[];

/** A setting of the deployment as another node has it. */
export interface Adopted {
  /** The variable. */
  readonly env: string;
  /** As this node had it, and has it now, in JSON. */
  readonly before: string;
  readonly now: string;
}

/** By variable, in JSON; what is not set is `null`. */
export function fleetSettings(config: Config): ReadonlyMap<string, string> {
  return new Map(shared.map(key => [settings[key].env, textOf(config, key)]));
}

/** Takes over what is said of settings that nodes share: all who have this configuration go by it from then on. Others are let be. */
export function adopt(config: Config, texts: ReadonlyMap<string, string>): readonly Adopted[] {
  const adopted: Adopted[] = [];
  for (const key of shared) {
    const { env } = settings[key];
    const [before, now] = [textOf(config, key), texts.get(env)];
    if (now === undefined || now === before) continue;
    // Of the same setting at another node, which has read it as this one would.
    Object.assign(config, { [key]: (JSON.parse(now) as unknown) ?? undefined });
    adopted.push({ env, before, now });
  }
  return adopted;
}

function textOf(config: Config, key: keyof Settings): string {
  return JSON.stringify(config[key] ?? null);
}
