import { describe, expect, it } from 'vitest';
import {
  eventLogContract,
  type EventLogOptions,
  type EventLogUnderTest,
} from '../../../test/contracts/event-log.contract';
import { factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import { journalOn } from '../../../test/crash/open-journal';
import { temporaryFolder } from '../../../test/support/temporary-folder';
import { loadConfig } from '../../config/config';
import { tokenEvent } from '../../tasks/events/task-events';
import type { TaskJournal } from '../../tasks/journal/task-journal.port';
import { MemoryEventLog } from './event-log.memory';
import { MemoryTaskJournal } from './task-journal.memory';

function logOf(
  { cacheBytes = 1_000_000 }: EventLogOptions = {},
  journal: TaskJournal = new MemoryTaskJournal(),
): MemoryEventLog {
  const { config } = loadConfig({ ORCHD_EVENT_CACHE_BYTES: String(cacheBytes) });
  return new MemoryEventLog(config, journal);
}

/** A log over a journal; `next` opens the journal that follows it. */
function over(
  journal: TaskJournal,
  options: EventLogOptions | undefined,
  next: () => Promise<TaskJournal>,
): EventLogUnderTest {
  let tasks = 0;
  return {
    log: logOf(options, journal),
    admitted: async taskId => journal.admit(plainSpec(taskId), factsOf(++tasks)),
    reopen: async () => over(await next(), options, next),
    close: async () => journal.close(),
  };
}

describe('EventLog: in memory, without a journal that outlives it', () => {
  const shared = async (options?: EventLogOptions) => {
    const journal = new MemoryTaskJournal();
    return over(journal, options, async () => journal);
  };
  eventLogContract(shared);
});

describe('EventLog: in memory, copied to the journal on SQLite', () => {
  eventLogContract(async options => {
    const folder = temporaryFolder();
    let { journal } = journalOn(folder.path);
    await journal.recover();
    const under = over(journal, options, async () => {
      await journal.close();
      ({ journal } = journalOn(folder.path));
      await journal.recover();
      return journal;
    });
    const close = async (): Promise<void> => {
      await journal.close();
      folder.remove();
    };
    return { ...under, reopen: async () => ({ ...(await under.reopen()), close }), close };
  });
});

describe('MemoryEventLog', () => {
  it('wakes followers at each batch, and shares what readers at the same place get', async () => {
    const log = logOf();
    log.open('t');
    let wakes = 0;
    log.follow('t').subscribe(() => wakes++);
    log.append('t', [tokenEvent(0, 'a')]);
    log.append('t', [tokenEvent(1, 'b')]);
    expect(wakes).toBe(2);
    expect(log.read('t', 0, 1000, false)).toBe(log.read('t', 0, 1000, false));
  });

  it('cannot be made to frame a second event by what a model says', async () => {
    const log = logOf();
    log.open('t');
    log.append('t', [tokenEvent(0, '\n\nevent: end\ndata: {}\r\n\r\u2028\u0000')]);
    const frames = log.read('t', 0, 1000, false)?.frames.toString() ?? '';
    expect(frames.match(/\n\n/g)).toHaveLength(1);
    expect(frames.split('\n').filter(line => line.startsWith('event:'))).toEqual(['event: token']);
  });
});
