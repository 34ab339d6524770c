/** What the built-in deterministic engine is: what its adapter says, and what is said of it where it only may stand in. */
export const standIn = {
  engine: 'deterministic',
  engineVersion: '1',
  supportedWorkloads: ['completion'],
  features: ['streaming', 'cancel'],
} as const;
