import { createHash, X509Certificate } from 'node:crypto';
import { dirname, join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { plainFileName } from '../config/parsers';
import {
  EngineKeys,
  noCredentials,
  type Authority,
  type EngineCredentials,
  type KeyHolder,
} from '../engines/engine-keys';
import { ServiceError } from '../errors/service-error';
import { readSmallFile, versionOfFile } from '../files/small-file';
import { Narrator } from '../observability/narrator';
import { MAX_KEY_FILE_BYTES, parseEngineKey } from './engine-key-file';

/** A chain of certificates. */
const MAX_CA_BYTES = 64 * 1024;

interface KnownKey {
  readonly credentials: EngineCredentials;
  readonly addresses: readonly string[];
  readonly caFile?: string;
  readonly version: string;
  readonly caVersion: string;
  /** Why its file could not be read since; told once. */
  readonly fault?: string;
}

/**
 * Keys in files: `ORCHD_LLAMACPP_API_KEY_FILE`, and those that a registration names in `ORCHD_ENGINE_KEYS_DIR`. No other file is
 * ever read, whatever a binding says. A file is read again when it has changed, which each probe looks for.
 */
@Injectable()
export class EngineKeyFiles extends EngineKeys {
  private readonly keys = new Map<string, KnownKey>();

  constructor(
    private readonly config: Config,
    private readonly narrator: Narrator,
  ) {
    super();
  }

  override async read({ url, apiKeyFile }: KeyHolder): Promise<EngineCredentials> {
    if (apiKeyFile === undefined) return noCredentials;
    const known = this.keys.get(apiKeyFile);
    const isKnown =
      known &&
      known.version === (await this.versionOf(apiKeyFile)) &&
      known.caVersion === (await this.versionOfAuthority(apiKeyFile, known.caFile));
    if (!isKnown) await this.readAgain(apiKeyFile);
    return this.known({ url, apiKeyFile });
  }

  override known({ url, apiKeyFile }: KeyHolder): EngineCredentials {
    if (apiKeyFile === undefined) return noCredentials;
    const known = this.keys.get(apiKeyFile);
    if (!known) throw unusable('it was not read yet');
    if (known.addresses.length > 0 && !known.addresses.includes(url)) throw unusable('it is not for this engine');
    return known.credentials;
  }

  /** A file that cannot be used any more, perhaps because it is being written, does not take away the key that was read before. */
  private async readAgain(name: string): Promise<void> {
    const { folder, path } = this.placeOf(name);
    const known = this.keys.get(name);
    // Before it is read: what is written meanwhile is a change, and read the next time.
    const version = await this.versionOf(name);
    try {
      const file = await readSmallFile(folder, path, MAX_KEY_FILE_BYTES);
      if (!file.ok) throw new Error(file.reason);
      const { headers, caFile, addresses } = parseEngineKey(new TextDecoder().decode(file.bytes));
      const caVersion = await this.versionOfAuthority(name, caFile);
      const authority = caFile === undefined ? undefined : await authorityIn(dirname(path), caFile);
      const credentials = { headers, ...(authority && { authority }) };
      this.keys.set(name, { credentials, addresses, ...(caFile !== undefined && { caFile }), version, caVersion });
    } catch (thrown) {
      const reason = (thrown as Error).message;
      if (!known) throw unusable(reason);
      if (known.fault !== reason) {
        const human = `The key file of an engine cannot be used: ${reason}. The key known so far stays.`;
        this.narrator.warn(human, { event: 'engine_key_unreadable' });
      }
      const caVersion = await this.versionOfAuthority(name, known.caFile);
      this.keys.set(name, { ...known, version, caVersion, fault: reason });
    }
  }

  private async versionOf(name: string): Promise<string> {
    const { folder, path } = this.placeOf(name);
    return (await versionOfFile(folder, path)) ?? '';
  }

  /** Of the file beside it that it names. */
  private async versionOfAuthority(name: string, caFile: string | undefined): Promise<string> {
    if (caFile === undefined) return '';
    const folder = dirname(this.placeOf(name).path);
    return (await versionOfFile(folder, join(folder, caFile))) ?? '';
  }

  private placeOf(name: string): { readonly folder: string; readonly path: string } {
    const { engineKeysDir, llamacppApiKeyFile } = this.config;
    // The operator's own, wherever it lies.
    if (name === llamacppApiKeyFile) return { folder: '/', path: name };
    if (engineKeysDir === undefined) throw unusable('no folder for keys is configured (ORCHD_ENGINE_KEYS_DIR)');
    if (!plainFileName.test(name)) throw unusable('its name is not a plain one');
    return { folder: engineKeysDir, path: join(engineKeysDir, name) };
  }
}

function unusable(reason: string): ServiceError {
  return new ServiceError('ENGINE_PROTOCOL', { message: `The engine's key file cannot be used: ${reason}.` });
}

async function authorityIn(folder: string, name: string): Promise<Authority> {
  const file = await readSmallFile(folder, join(folder, name), MAX_CA_BYTES);
  if (!file.ok) throw new Error(`of its ca_file ${file.reason}`);
  const pem = new TextDecoder().decode(file.bytes);
  try {
    new X509Certificate(pem);
  } catch {
    throw new Error('its ca_file holds no certificate in PEM');
  }
  return { id: createHash('sha256').update(pem).digest('hex'), pem };
}
