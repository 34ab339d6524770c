/**
 * Whether the place where the service keeps what it accepts can be got to, by what is known here: whoever asks is answered at once, and that
 * place is not asked.
 */
export abstract class StorageReach {
  /** What is submitted here is refused, and may be accepted by another node. */
  abstract readonly isCutOff: boolean;

  /** Of {@link Clock.nowMs}, when it was got to again after it could not be; -Infinity where it always could. */
  abstract readonly regainedAtMs: number;
}
