/** What the built-in deterministic engine is: what its adapter says, and what is said of it where it only may stand in. */
export const standIn = {
  engine: 'deterministic',
  engineVersion: '1',
  supportedWorkloads: ['completion', 'chat'],
  features: ['streaming', 'cancel'],
} as const;

/** Whether a task ran on the stand-in, which has a place in no pool and goes by the name of its engine there. */
export function isOnStandIn({ engine, replicaId }: { readonly engine: string; readonly replicaId: string }): boolean {
  return engine === standIn.engine && replicaId === standIn.engine;
}
