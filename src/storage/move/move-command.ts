import { resolve } from 'node:path';
import { ConfigError, loadConfig, type Config } from '../../config/config';
import { Logger } from '../../observability/logger';
import { Narrator } from '../../observability/narrator';
import { StoreUnfit } from '../redis/connection/store-faults';
import { EmbeddedSource } from './embedded-source';
import { EmbeddedTarget } from './embedded-target';
import { move } from './move';
import { MoveRefused, type MoveSource, type MoveTarget } from './moved';
import { StoreSource } from './store-source';
import { StoreTarget } from './store-target';

export interface MoveAsked {
  readonly from: string;
  readonly to: string;
}

/** Moves everything, and tells of it line by line. Resolves to the exit code. */
export async function moveAll(
  { from, to }: MoveAsked,
  env: Readonly<Record<string, string | undefined>>,
  say: (line: string) => void,
): Promise<0 | 1> {
  try {
    const tallies = await move(sourceOf(from, env), targetOf(to, env));
    say(`Moved from ${from} to ${to}; each kind was read back and is the same:`);
    for (const { kind, count, sha256 } of tallies) say(`  ${kind.padEnd(10)}${String(count).padStart(9)}  ${sha256}`);
    say(`${from} is as it was.`);
    return 0;
  } catch (thrown) {
    const isExpected = thrown instanceof MoveRefused || thrown instanceof StoreUnfit || thrown instanceof ConfigError;
    if (!isExpected) throw thrown;
    say(`Nothing was moved: ${thrown.message}.`);
    return 1;
  }
}

function sourceOf(name: string, env: Readonly<Record<string, string | undefined>>): MoveSource {
  const { config, narrator } = sideOf(name, env);
  return isStore(name) ? StoreSource.of(config, narrator, name) : new EmbeddedSource(config, narrator, name);
}

function targetOf(name: string, env: Readonly<Record<string, string | undefined>>): MoveTarget {
  const { config, narrator } = sideOf(name, env);
  return isStore(name) ? new StoreTarget(config, narrator, name) : new EmbeddedTarget(config, narrator);
}

/** The settings of the service, with this side in place of its own. */
function sideOf(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): { readonly config: Config; readonly narrator: Narrator } {
  const side = isStore(name) ? { ORCHD_STORE: name } : { ORCHD_STORE: 'embedded', ORCHD_DATA_DIR: resolve(name) };
  const { config } = loadConfig({ ...env, ...side });
  // What drivers tell of is for a service's log; what stops a move is said by the move.
  return { config, narrator: new Narrator(new Logger({ ...config, logLevel: 'error' }, { write: () => undefined })) };
}

function isStore(name: string): boolean {
  return name.includes('://');
}
