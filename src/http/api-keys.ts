import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Config, isLoopbackHost } from '../config/config';
import { secret } from '../config/parsers';
import { ServiceError } from '../errors/service-error';
import { Narrator } from '../observability/narrator';

/** The key that opens a service with none configured, on a loopback bind only. */
const DEVELOPMENT_KEY = 'valid';
const FILE_CHECK_MS = 1000;

/** The configured API keys, held as digests: looking one up takes the same time whatever was sent. */
@Injectable()
export class ApiKeys implements OnModuleInit, OnModuleDestroy {
  private digests: ReadonlySet<string> = new Set();
  private fileVersion = '';
  private timer: NodeJS.Timeout | undefined;
  private readonly developing: boolean;

  constructor(
    private readonly config: Config,
    private readonly narrator: Narrator,
  ) {
    this.developing = config.apiKeys.length === 0 && config.apiKeysFile === undefined;
  }

  onModuleInit(): void {
    this.load();
    if (this.developing) {
      this.narrator.warn(
        `No API key is configured: the development key \`${DEVELOPMENT_KEY}\` opens this loopback service.`,
        {
          event: 'development_key',
        },
      );
    }
    if (this.config.apiKeysFile === undefined) return;
    this.timer = setInterval(() => this.load(), FILE_CHECK_MS);
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

  /** With the development key in force a web page must not reach us through a name that it rebinds to loopback. */
  refusesHost(hostname: string): boolean {
    return this.developing && !isLoopbackHost(hostname.replace(/^\[(.*)\]$/, '$1'));
  }

  private load(): void {
    const keys = [...(this.developing ? [DEVELOPMENT_KEY] : this.config.apiKeys)];
    const { apiKeysFile } = this.config;
    if (apiKeysFile !== undefined) {
      try {
        const { mtimeMs, size, ino } = statSync(apiKeysFile);
        const version = `${mtimeMs}:${size}:${ino}`;
        if (version === this.fileVersion) return;
        keys.push(...keysIn(readFileSync(apiKeysFile, 'utf8')));
        if (this.fileVersion !== '')
          this.narrator.tell('The API key file changed and was read again.', { event: 'api_keys_reloaded' });
        this.fileVersion = version;
      } catch (cause) {
        if (this.fileVersion === 'unreadable') return;
        this.fileVersion = 'unreadable';
        this.narrator.warn(
          'The API key file cannot be used; the keys known so far stay.',
          { event: 'api_keys_unreadable' },
          cause,
        );
        if (this.digests.size > 0) return;
      }
    }
    this.digests = new Set(keys.map(digest));
  }
}

function keysIn(text: string): string[] {
  const lines = text.split(/\r?\n/).map(line => line.trim());
  return lines.filter(line => line !== '' && !line.startsWith('#')).map(line => secret.parse(line));
}

function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64');
}
