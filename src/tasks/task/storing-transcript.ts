import type { CanonicalDocument } from '../../artifacts/artifact-store.port';
import type { TaskEnding } from './task';

/** A transcript on its way into the artifact store. */
export interface StoringTranscript extends CanonicalDocument {
  /** Resolves to whether the store has it: false where it could not be stored, or takes too long. Never rejects. */
  readonly stored: Promise<boolean>;
  /** What {@link stored} came to; undefined while that is not known. */
  readonly isStored: boolean | undefined;
  /** To be called by whoever waits for {@link stored}: until then the store may gather more of them for one write. */
  hurry(): void;
}

/** A transcript that outlived its process beside the artifact store. */
export interface HeldTranscript {
  readonly taskId: string;
  readonly transcript: CanonicalDocument;
}

/** The ending as it is once it is known whether the store has its transcript: it names one that is stored. */
export function endingWith(ending: TaskEnding, transcript: StoringTranscript | undefined): TaskEnding {
  return transcript?.isStored === true ? { ...ending, transcriptArtifactId: transcript.id } : ending;
}

/** As {@link endingWith}, where the storing may be under way: it is hurried and waited for. Never rejects. */
export async function settledEnding(
  ending: TaskEnding,
  transcript: StoringTranscript | undefined,
): Promise<TaskEnding> {
  transcript?.hurry();
  await transcript?.stored;
  return endingWith(ending, transcript);
}
