/** What an engine writes about itself. */
export function handoffOf(url: string, poolId: string, replicaId: string): Record<string, unknown> {
  return {
    url,
    pool_id: poolId,
    replica_id: replicaId,
    engine: 'llamacpp',
    engine_version: 'b1',
    device_mask: '0',
    slots_total: 4,
    slots_free: 4,
  };
}
