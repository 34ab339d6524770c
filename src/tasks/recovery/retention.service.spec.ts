import { beforeEach, expect, it, vi } from 'vitest';
import { loadConfig } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Lifecycle } from '../../lifecycle/lifecycle';
import { Logger } from '../../observability/logger';
import { Narrator } from '../../observability/narrator';
import { MemoryTaskJournal } from '../../storage/memory/task-journal.memory';
import type { TaskRecords } from '../ledger/task-records.port';
import { RunningTime } from '../../time/running-time';
import { RetentionService } from './retention.service';

let lifecycle: Lifecycle;
let retention: RetentionService;
let told: string[];
let journal: MemoryTaskJournal;

beforeEach(() => {
  const { config } = loadConfig({});
  lifecycle = new Lifecycle();
  told = [];
  journal = new MemoryTaskJournal();
  const narrator = new Narrator(new Logger(config, { write: line => void told.push(line) }));
  retention = new RetentionService(config, journal as unknown as TaskRecords, new RunningTime(), lifecycle, narrator);
});

it('asks nothing of a journal that is not open yet, or no more', async () => {
  const expire = vi.spyOn(journal, 'expire').mockRejectedValue(new ServiceError('STORAGE_UNAVAILABLE'));
  await retention.forgetExpired();
  lifecycle.ready();
  lifecycle.drain();
  await retention.forgetExpired();
  expect([expire.mock.calls.length, told]).toEqual([0, []]);
});

it('warns of storage that fails, but not of a journal that is closed while it asks', async () => {
  lifecycle.ready();
  const expire = vi.spyOn(journal, 'expire').mockRejectedValue(new ServiceError('STORAGE_UNAVAILABLE'));
  await retention.forgetExpired();
  expect(told).toHaveLength(1);
  expect(told[0]).toContain('retention_failed');
  expire.mockImplementation(async () => {
    lifecycle.drain();
    throw new ServiceError('STORAGE_UNAVAILABLE');
  });
  await retention.forgetExpired();
  expect(told).toHaveLength(1);
});
