import type { EngineTarget } from './engine-adapter.port';

/** What is asked for: an engine's address, and the reference to its key that its binding has. */
export type KeyHolder = Pick<EngineTarget, 'url' | 'apiKeyFile'>;

/** Who may vouch for an engine's certificate, in place of the authorities that everybody trusts. */
export interface Authority {
  /** Different for each. */
  readonly id: string;
  /** Certificates in PEM. */
  readonly pem: string;
}

/** How an engine wants to be asked, beyond its address. */
export interface EngineCredentials {
  /** For every request to it; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly authority?: Authority;
}

/** Of an engine that wants nothing. */
export const noCredentials: EngineCredentials = { headers: {} };

/**
 * What engines want of whoever asks them: a key (llama.cpp's `--api-key`), other headers, trust in an authority of one's own. A binding has a
 * reference; what is behind it leaves this port as headers of a request only.
 */
export abstract class EngineKeys {
  /**
   * As it stands in its file now.
   * @throws ServiceError ENGINE_PROTOCOL when it was never read and cannot be, or may not be sent to this address; the reason
   *   names neither path nor key
   */
  abstract read(holder: KeyHolder): Promise<EngineCredentials>;

  /** As it was read last, at once: for runs, which follow upon probes. @throws ServiceError as {@link read} */
  abstract known(holder: KeyHolder): EngineCredentials;
}
