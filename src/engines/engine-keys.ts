import type { EngineTarget } from './engine-adapter.port';

/** What is asked for: an engine's address, and the reference to its key that its binding has. */
export type KeyHolder = Pick<EngineTarget, 'url' | 'apiKeyFile'>;

/**
 * The keys that engines want of whoever asks them (llama.cpp's `--api-key`). A binding has a reference; the key itself is held
 * behind this port and leaves it as a request's header only.
 */
export abstract class EngineKeys {
  /**
   * The key as it stands in its file now; undefined for an engine that has none.
   * @throws ServiceError ENGINE_PROTOCOL when it was never read and cannot be, or may not be sent to this address; the reason
   *   names neither path nor key
   */
  abstract read(holder: KeyHolder): Promise<string | undefined>;

  /** The key as it was read last, at once: for runs, which follow upon probes. @throws ServiceError as {@link read} */
  abstract known(holder: KeyHolder): string | undefined;
}
