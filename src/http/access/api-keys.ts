import { hash } from 'node:crypto';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Config, ConfigError, isLoopbackHost } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { KeyFile } from './key-file';

/** The key that opens a service with none configured, on a loopback bind only. */
const DEVELOPMENT_KEY = 'valid';
const FILE_CHECK_MS = 1000;

/** The configured API keys, held as digests: looking one up takes the same time whatever was sent. */
@Injectable()
export class ApiKeys implements OnModuleInit, OnModuleDestroy {
  private digests: ReadonlySet<string> = new Set();
  /** What was last wrong with the key file. */
  private fault: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly developing: boolean;

  constructor(
    private readonly config: Config,
    private readonly narrator: Narrator,
  ) {
    this.developing = config.apiKeys.length === 0 && config.apiKeysFile === undefined;
  }

  /** @throws ConfigError when the key file cannot be used */
  onModuleInit(): void {
    const { apiKeysFile } = this.config;
    const file = apiKeysFile === undefined ? undefined : new KeyFile(apiKeysFile);
    this.take(keysAtStart(file));
    if (this.developing) {
      this.narrator.warn(
        `No API key is configured: the development key \`${DEVELOPMENT_KEY}\` opens this loopback service.`,
        {
          event: 'development_key',
        },
      );
    }
    if (!file) return;
    this.timer = setInterval(() => this.reload(file), FILE_CHECK_MS);
    this.timer.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** Why a key is refused; undefined when it opens the service. */
  refusal(key: string | undefined): ServiceError | undefined {
    if (key === undefined) return new ServiceError('UNAUTHENTICATED');
    return this.digests.has(digest(key)) ? undefined : new ServiceError('FORBIDDEN');
  }

  /** Another object each time that the keys have changed: for whoever remembers which were good. */
  get version(): object {
    return this.digests;
  }

  /** Whether {@link refusesHost} may say yes: the name is worked out from headers, for nothing most of the time. */
  get judgesHosts(): boolean {
    return this.developing;
  }

  /** With the development key in force a web page must not reach us through a name that it rebinds to loopback. */
  refusesHost(hostname: string): boolean {
    return this.developing && !isLoopbackHost(hostname.replace(/^\[(.*)\]$/, '$1'));
  }

  /** A file that cannot be used is told once; the keys known so far stay. */
  private reload(file: KeyFile): void {
    try {
      const keys = file.read();
      this.fault = undefined;
      if (!keys) return;
      this.take(keys);
      this.narrator.tell('The API key file changed and was read again.', { event: 'api_keys_reloaded' });
    } catch (thrown) {
      const { message } = thrown as Error;
      if (message === this.fault) return;
      this.fault = message;
      this.narrator.warn(`${message} The keys known so far stay.`, { event: 'api_keys_unreadable' });
    }
  }

  private take(fromFile: readonly string[]): void {
    const others = this.developing ? [DEVELOPMENT_KEY] : this.config.apiKeys;
    this.digests = new Set([...others, ...fromFile].map(digest));
  }
}

function keysAtStart(file: KeyFile | undefined): readonly string[] {
  try {
    return file?.read() ?? [];
  } catch (thrown) {
    throw new ConfigError([(thrown as Error).message]);
  }
}

function digest(key: string): string {
  return hash('sha256', key, 'base64');
}
