/** What clients may upload files for. Only those for `batch` are read here; the others are kept and given back. */
export const uploadPurposes = ['batch', 'user_data', 'assistants', 'fine-tune', 'vision', 'evals'] as const;
export type Purpose = (typeof uploadPurposes)[number] | 'batch_output';
export const purposes: readonly Purpose[] = [...uploadPurposes, 'batch_output'];

/** A file as it is remembered: its content is elsewhere, under the same id. */
export interface StoredFile {
  readonly id: string;
  readonly filename: string;
  readonly purpose: Purpose;
  readonly bytes: number;
  /** Unix seconds. */
  readonly createdAt: number;
  /** Unix seconds, by the clock at its creation. */
  readonly expiresAt: number;
}
