import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SchedulerRegistry } from '@nestjs/schedule';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../test/support/deadline';
import { startPools, type PoolsUnderTest } from '../../test/support/pools';
import { temporaryFolder, type TemporaryFolder } from '../../test/support/temporary-folder';
import { Config } from '../config/config';
import { Narrator } from '../observability/narrator';
import { BindingsService } from '../pools/bindings/bindings.service';
import { PoolRegistry } from '../pools/registry/pool-registry.port';
import { Clock } from '../time/clock';
import { HandoffFolder } from './handoff-folder';
import { HandoffService } from './handoff.service';
import { HandoffWatcher } from './handoff.watcher';

const HOUR_MS = 3_600_000;

let folder: TemporaryFolder;
let runtimeDir: string;
let pools: PoolsUnderTest;
let handoffs: HandoffService;
let watcher: HandoffWatcher;

async function start(intervalMs: number): Promise<void> {
  const env = { ORCHD_RUNTIME_DIR: runtimeDir, ORCHD_HANDOFF_WATCH_INTERVAL_MS: String(intervalMs) };
  pools = await startPools(env);
  const [config, narrator] = [pools.get(Config), pools.get(Narrator)];
  const files = new HandoffFolder(config, narrator);
  handoffs = new HandoffService(files, pools.get(BindingsService), pools.get(PoolRegistry), pools.get(Clock), narrator);
  watcher = new HandoffWatcher(config, handoffs, new SchedulerRegistry(), narrator);
  watcher.onApplicationBootstrap();
}

beforeEach(() => {
  folder = temporaryFolder();
  runtimeDir = join(folder.path, 'engines');
  mkdirSync(runtimeDir);
});
afterEach(async () => {
  watcher.onApplicationShutdown();
  vi.restoreAllMocks();
  await pools.close();
  folder.remove();
});

function drop(file: string): void {
  writeFileSync(join(folder.path, 'draft'), '{}');
  renameSync(join(folder.path, 'draft'), join(runtimeDir, file));
}
const seen = (file: string) =>
  eventually(
    async () => handoffs.known().map(known => known.file),
    files => files.includes(file),
  );

describe('the watch of the handoff folder', () => {
  it('sees one file after another by their events alone (B-BG-002)', async () => {
    await start(HOUR_MS);
    for (let n = 0; n < 20; n++) {
      drop(`file-${n}.json`);
      await seen(`file-${n}.json`);
    }
  });

  it('finds at its interval a folder that was made late, and one that came back (B-BG-001, B-BG-012)', async () => {
    rmSync(runtimeDir, { recursive: true });
    await start(20);
    mkdirSync(runtimeDir);
    drop('late.json');
    await seen('late.json');
    rmSync(runtimeDir, { recursive: true });
    await eventually(
      async () => handoffs.known().length,
      count => count === 0,
    );
    mkdirSync(runtimeDir);
    drop('back.json');
    await seen('back.json');
  });

  it('goes on after a scan that failed (B-BG-012)', async () => {
    const scan = vi.spyOn(HandoffService.prototype, 'scan').mockRejectedValueOnce(new Error('no memory'));
    await start(20);
    drop('a.json');
    await seen('a.json');
    expect(scan.mock.calls.length).toBeGreaterThan(1);
    expect(pools.told('handoff_scan_failed')).toHaveLength(1);
  });

  it('never runs two scans at once, and misses nothing that came while one ran', async () => {
    let running = 0;
    let most = 0;
    const real = HandoffService.prototype.scan;
    vi.spyOn(HandoffService.prototype, 'scan').mockImplementation(async function (this: HandoffService) {
      most = Math.max(most, ++running);
      await real.call(this);
      await new Promise(resolve => setTimeout(resolve, 30));
      running--;
    });
    await start(10);
    for (let n = 0; n < 10; n++) drop(`file-${n}.json`);
    await seen('file-9.json');
    expect(most).toBe(1);
  });

  it('ends with the service', async () => {
    await start(10);
    watcher.onApplicationShutdown();
    const scan = vi.spyOn(handoffs, 'scan');
    drop('a.json');
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(scan).not.toHaveBeenCalled();
  });
});
