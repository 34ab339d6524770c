import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { nearestName } from './nearest-name';
import { secret } from './parsers';
import { refusedSettings, settings, type Setting, type Settings } from './settings';

/** The validated configuration. As an abstract class it is its own injection token; nothing else reads the environment. */
/* eslint-disable @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unsafe-declaration-merging -- token and type in one name */
export abstract class Config {}
export interface Config extends Settings {}
/* eslint-enable @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unsafe-declaration-merging */

/** A start that cannot go on: one line for each fault, each naming the variable, what is wrong and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'));
  }
}

export interface LoadedConfig {
  readonly config: Config;
  /** Sentences to log at start; they stop nothing. */
  readonly warnings: readonly string[];
}

/**
 * Reads every setting from `env`.
 * @throws ConfigError naming all faults at once, so that a deployment is mended in one round.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): LoadedConfig {
  const faults: string[] = [];
  const warnings: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(settings)) {
    try {
      values[key] = readSetting(setting, env[setting.env]);
    } catch (fault) {
      faults.push(`${setting.env} is malformed: expected ${(fault as Error).message}.`);
    }
  }
  for (const name of Object.keys(env)) {
    const refusal = refusedSettings[name];
    if (refusal !== undefined && env[name] !== '') faults.push(`${name} cannot be set: ${refusal}`);
    else if (name.startsWith('ORCHD_') && !knownNames.has(name)) warnings.push(unknownSetting(name));
  }
  // Every value went through the parser that its type comes from.
  const config = values as unknown as Config;
  if (faults.length === 0) faults.push(...contradictions(config));
  if (faults.length > 0) throw new ConfigError(faults);
  return { config: withTokenFromFile(config), warnings };
}

/** True where only this machine can reach the address. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  const family = isIP(name);
  return family === 4
    ? name.startsWith('127.')
    : name === '::1' || name === '0:0:0:0:0:0:0:1' || name.startsWith('::ffff:127.');
}

const knownNames = new Set<string>(Object.values(settings).map(setting => setting.env));

function readSetting(setting: Setting<unknown>, text: string | undefined): unknown {
  // An empty variable counts as unset: that is how container platforms write "no value".
  const given = text === undefined || text === '' ? setting.fallback : text;
  return given === undefined ? undefined : setting.parser.parse(given);
}

function contradictions(config: Config): string[] {
  const faults: string[] = [];
  const open = !isLoopbackHost(config.addr.host);
  if (open && config.apiKeys.length === 0 && config.apiKeysFile === undefined) {
    faults.push(
      `ORCHD_ADDR ${config.addr.host} can be reached from outside this machine: set ORCHD_API_KEYS or ORCHD_API_KEYS_FILE.`,
    );
  }
  if (config.authToken !== undefined && config.authTokenFile !== undefined) {
    faults.push('AUTH_TOKEN and AUTH_TOKEN_FILE are both set: keep one.');
  }
  if ((config.storeCertFile === undefined) !== (config.storeKeyFile === undefined)) {
    faults.push('ORCHD_STORE_CERT_FILE and ORCHD_STORE_KEY_FILE go together: set both, or neither.');
  }
  return faults;
}

function withTokenFromFile(config: Config): Config {
  if (config.authTokenFile === undefined) return config;
  try {
    return { ...config, authToken: secret.parse(readFileSync(config.authTokenFile, 'utf8').trim()) };
  } catch {
    throw new ConfigError([`AUTH_TOKEN_FILE cannot be used: expected a readable file with ${secret.allowed}.`]);
  }
}

function unknownSetting(name: string): string {
  const meant = nearestName(name, knownNames);
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  return `${name} is not a setting of this service and is ignored.${hint}`;
}
