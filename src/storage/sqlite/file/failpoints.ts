import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from './journal-error';

/**
 * Places where a test may stop the process dead, or slow the disk down: `JOURNAL_FAILPOINT=after-insert` kills at the first
 * passage of that place, `before-commit@7` at the seventh, `slow-sync=200` makes every sync take 200 ms longer, `hold=/folder` waits at
 * a place for as long as that folder has a file of its name, and says in a file `<name>.reached` that it does; where that file names kinds
 * of writes, only with such a write; several are joined by commas. Off unless that variable is set, and not a setting of the service: no deployment has a use for it.
 */
export type Failpoint =
  | 'before-log'
  | 'after-log'
  | 'before-begin'
  | 'after-insert'
  | 'before-commit'
  | 'after-commit'
  | 'after-echo'
  | 'before-checkpoint'
  | 'after-checkpoint'
  | 'after-growth'
  | 'during-wipe'
  | 'during-replay'
  | 'during-migration'
  | 'during-expiry'
  | 'during-event-copy';

interface Orders {
  /** How many passages are left before the kill. */
  readonly kills: Map<string, number>;
  readonly slowSyncMs: number;
  /** Where files say at which places to wait. */
  readonly holds: string | undefined;
}

const HOLD_POLL_MS = 5;

const orders = readOrders(process.env['JOURNAL_FAILPOINT']);

/** Waits or kills the process here if it was told to. @param writes what is being written, where that is known */
export function failpoint(name: Failpoint, writes: readonly { readonly kind: string }[] = []): void {
  if (!orders) return;
  const path = heldBy(orders, name, writes);
  while (path !== undefined && existsSync(path)) wait(HOLD_POLL_MS);
  killIfTold(orders, name);
}

/** As {@link failpoint}, for a thread that must not stand still. Undefined where there is nothing to wait for. */
export function failpointLater(
  name: Failpoint,
  writes: readonly { readonly kind: string }[] = [],
): Promise<void> | undefined {
  return orders && passLater(orders, name, writes);
}

async function passLater(given: Orders, name: Failpoint, writes: readonly { readonly kind: string }[]): Promise<void> {
  const path = heldBy(given, name, writes);
  while (path !== undefined && existsSync(path)) await sleep(HOLD_POLL_MS);
  killIfTold(given, name);
}

/** The file that holds these writes here, if one does; it is said that it does. */
function heldBy({ holds }: Orders, name: Failpoint, writes: readonly { readonly kind: string }[]): string | undefined {
  const path = holds === undefined ? undefined : join(holds, name);
  const wanted = path === undefined ? undefined : contentOf(path);
  if (path === undefined || wanted === undefined) return undefined;
  if (wanted !== '' && !writes.some(({ kind }) => wanted.split(' ').includes(kind))) return undefined;
  writeFileSync(`${path}.reached`, '');
  return path;
}

/** Undefined where there is none: it may be taken away at any time. */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

function killIfTold({ kills }: Orders, name: Failpoint): void {
  const left = kills.get(name);
  if (left === undefined) return;
  kills.set(name, left - 1);
  if (left > 1) return;
  process.kill(process.pid, 'SIGKILL');
  wait(Infinity); // The signal ends all threads, but this one must not get a step further meanwhile.
}

/** Stands in for a disk whose sync takes long. */
export function slowSync(): void {
  if (orders && orders.slowSyncMs > 0) wait(orders.slowSyncMs);
}

/** As {@link slowSync}, for a thread that must not stand still. Undefined where there is nothing to wait for. */
export function slowSyncLater(): Promise<void> | undefined {
  return orders && orders.slowSyncMs > 0 ? sleep(orders.slowSyncMs) : undefined;
}

function readOrders(text: string | undefined): Orders | undefined {
  if (!text) return undefined;
  const kills = new Map<string, number>();
  let slowSyncMs = 0;
  let holds: string | undefined;
  for (const order of text.split(',')) {
    if (order.startsWith('hold=')) {
      holds = order.slice('hold='.length);
      continue;
    }
    const [, name = '', mark, number] = /^([a-z-]+)(?:([@=])(\d{1,6}))?$/.exec(order) ?? [];
    if (name === 'slow-sync' && mark === '=') slowSyncMs = Number(number);
    else if (name !== '' && mark !== '=') kills.set(name, Number(number ?? 1));
    else throw new Error(`JOURNAL_FAILPOINT cannot be read at "${order}"`);
  }
  return { kills, slowSyncMs, holds };
}

function wait(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
