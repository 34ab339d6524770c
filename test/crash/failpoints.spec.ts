import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { contentsOf, stepsHeld, workload } from './journal-workload';
import { journalOn } from './open-journal';

const TASKS = 400;
/** For a checkpoint, which is due after many: most of these never come into the database before they have ended, and then without prompts. */
const TASKS_TO_CHECKPOINT = 3000;

/** Each named step of the journal, at its first passage and, where it is passed often, deep in the work. */
const kills = [
  'during-migration',
  'before-begin',
  'before-begin@30',
  'after-insert',
  'after-insert@200',
  'before-commit',
  'before-commit@30',
  'after-commit',
  'after-commit@30',
  'after-echo',
  'after-echo@30',
  'before-log',
  'before-log@40',
  'after-log',
  'after-log@40',
  'after-growth@3',
  'during-expiry@5',
  'during-event-copy',
  'before-checkpoint',
  'after-checkpoint',
  'during-wipe',
];

let dataDir: string;
beforeEach(async () => void (dataDir = await mkdtemp(join(tmpdir(), 'failpoint-'))));
afterEach(() => rm(dataDir, { recursive: true, force: true }));

it.each(kills)(
  'killed at %s, the journal holds all that was acknowledged, whole steps only, and says nothing of damage',
  async at => {
    const tasks = at.endsWith('-checkpoint') ? TASKS_TO_CHECKPOINT : TASKS;
    const steps = workload(tasks);
    const { acked, issued, signal } = await writeUntilKilled(at, tasks);
    expect(signal).toBe('SIGKILL');
    const { journal, told } = journalOn(dataDir);
    try {
      const contents = await contentsOf(await journal.recover(), journal);
      const held = await stepsHeld(steps, acked, issued, contents);
      expect(held, `acked ${acked}, issued ${issued}`).toBeGreaterThanOrEqual(acked);
      expect(told).toEqual([]);
    } finally {
      await journal.close();
    }
  },
);

async function writeUntilKilled(
  failpoint: string,
  tasks: number,
): Promise<{ acked: number; issued: number; signal: NodeJS.Signals | null }> {
  const pauseMs = failpoint === 'during-wipe' ? 10_000 : 0;
  const args = [
    '-r',
    './tools/sources.cjs',
    join(__dirname, 'journal-writer.ts'),
    dataDir,
    String(tasks),
    '8',
    String(pauseMs),
  ];
  const writer = spawn(process.execPath, args, {
    env: { ...process.env, JOURNAL_FAILPOINT: failpoint },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  writer.stdout.setEncoding('latin1').on('data', (text: string) => (output += text));
  const [, signal] = (await once(writer, 'close')) as [number | null, NodeJS.Signals | null];
  const last = (word: string): number =>
    Math.max(0, ...[...output.matchAll(new RegExp(`^${word} (\\d+)$`, 'gm'))].map(([, n]) => Number(n)));
  return { acked: last('acked'), issued: last('issued'), signal };
}
