import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { MoveRefused, movedKinds, type Moved, type MovedKind, type MoveSource, type MoveTarget } from './moved';

/** How many of each kind there are, and one hash over all of them in order. */
export interface Tally {
  readonly kind: MovedKind;
  readonly count: number;
  readonly sha256: string;
}

/**
 * Copies everything from one side to the other, and looks at what has arrived. The source stays as it is. What is killed half way is begun
 * again by the next move; until one is finished no service starts on the target.
 * @throws MoveRefused
 */
export async function move(source: MoveSource, target: MoveTarget): Promise<readonly Tally[]> {
  try {
    await source.open();
    await target.begin();
    // Whole milliseconds, so that nothing is rounded on its way.
    const shiftMs = Math.ceil((await target.nowMs()) - (await source.nowMs()));
    const sent: Tally[] = [];
    for (const kind of movedKinds) sent.push(await copy(source, target, kind, shiftMs));
    const written = await target.written();
    try {
      for (const { kind, count, sha256 } of sent) await compare(written, kind, count, sha256);
    } finally {
      await written.close();
    }
    await source.assertQuiet();
    await target.finish();
    return sent;
  } finally {
    await target.close();
    await source.close();
  }
}

async function copy(source: MoveSource, target: MoveTarget, kind: MovedKind, shiftMs: number): Promise<Tally> {
  const tally = new Tallying(kind);
  for await (const item of source.all(kind)) {
    const shifted = shiftedBy(kind, item, shiftMs);
    tally.add(shifted);
    await target.put(kind, shifted);
  }
  return tally.result;
}

async function compare(written: MoveSource, kind: MovedKind, count: number, sha256: string): Promise<void> {
  const tally = new Tallying(kind);
  for await (const item of written.all(kind)) tally.add(item);
  const { count: found, sha256: hash } = tally.result;
  if (found !== count)
    throw new MoveRefused(
      `${written.name} holds ${found} of ${count} ${kind} after the move${kind === 'artifacts' ? ': is ORCHD_ARTIFACTS_MAX_BYTES large enough?' : ''}`,
    );
  if (hash !== sha256) throw new MoveRefused(`the ${kind} in ${written.name} are not those that were moved`);
}

class Tallying<K extends MovedKind> {
  private count = 0;
  private readonly hash = createHash('sha256');

  constructor(private readonly kind: K) {}

  add(item: Moved[K]): void {
    this.count++;
    this.hash.update(`${canonicalize(comparable(this.kind, item))}\n`);
  }

  get result(): Tally {
    return { kind: this.kind, count: this.count, sha256: this.hash.copy().digest('hex') };
  }
}

/** Times that are kept are running times, of which each side has its own: ages stay what they were. */
function shiftedBy<K extends MovedKind>(kind: K, item: Moved[K], shiftMs: number): Moved[K] {
  const shifts: { readonly [Kind in MovedKind]?: (moved: Moved[Kind]) => Moved[Kind] } = {
    tasks: task => ({
      ...task,
      facts: { ...task.facts, orderKey: task.facts.orderKey + shiftMs },
      ...(task.ending && { ending: { ...task.ending, keptFromMs: task.ending.keptFromMs + shiftMs } }),
    }),
    artifacts: ({ info, json }) => ({ info: { ...info, storedAtMs: info.storedAtMs + shiftMs }, json }),
    records: record => ({
      ...record,
      ...(record.keptFromMs !== undefined && { keptFromMs: record.keptFromMs + shiftMs }),
    }),
  };
  return shifts[kind]?.(item) ?? item;
}

/** What has to be the same on both sides. */
function comparable<K extends MovedKind>(kind: K, item: Moved[K]): unknown {
  const views: { readonly [Kind in MovedKind]?: (moved: Moved[Kind]) => unknown } = {
    tasks: ({ spec, facts, firstTokenMarked, placement, ending, events }) => ({
      ...{ spec, firstTokenMarked, placement, events },
      facts: { ...facts, orderKey: facts.orderKey.toFixed(3) },
      ending: ending && { ...ending, keptFromMs: ending.keptFromMs.toFixed(3) },
    }),
    artifacts: ({ info: { id, kind: of, taskId, storedAtMs, bytes }, json }) => ({
      ...{ id, of, storedAtMs, bytes, json },
      ...(of === 'transcript' && { taskId }),
    }),
    // Numbers begin anew.
    records: ({ seq: _of, ...record }) => record,
    contents: ({ id, atByte, piece }) => ({ id, atByte, sha256: createHash('sha256').update(piece).digest('hex') }),
  };
  // What is undefined is left out, as JSON has it.
  return JSON.parse(JSON.stringify(views[kind]?.(item) ?? item)) as unknown;
}
