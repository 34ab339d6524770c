import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineSettings, HandoffSettings } from './engine-options';
import { BUILD_INFO } from './wire/llamacpp/props-view';

/** Announces the engine in a handoff file, which appears whole or not at all. Returns what takes it away again. */
export function announce(
  { dir, poolId, replicaId }: HandoffSettings,
  url: string,
  { slots }: EngineSettings,
): () => void {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, `${poolId}-${replicaId}.json`);
  const unfinished = `${file}.${process.pid}.tmp`;
  const content = {
    url,
    pool_id: poolId,
    replica_id: replicaId,
    engine: 'llamacpp',
    engine_version: BUILD_INFO,
    device_mask: 'cpu',
    slots_total: slots,
    slots_free: slots,
  };
  writeFileSync(unfinished, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(unfinished, file);
  return () => rmSync(file, { force: true });
}
