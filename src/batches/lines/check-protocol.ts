import type { FileBounds, FileVerdict } from './file-check';

/** What the thread is told of one file after another. */
export type CheckOrder =
  | { readonly kind: 'begin'; readonly bounds: FileBounds }
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' };

/** Its answer to a chunk, and to the end. */
export type CheckAnswer = { readonly goesOn: boolean } | { readonly verdict: FileVerdict };
