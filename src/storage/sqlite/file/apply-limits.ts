/** What of the commit log may wait to be applied, at most: room in the database is secured for so much. Texts are in code units. */
export const APPLY_LIMITS = { writes: 1024, admissions: 256, textUnits: 256 * 1024 } as const;
