import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { EngineKeys, type KeyHolder } from '../engines/engine-keys';
import { ServiceError } from '../errors/service-error';
import { readSmallFile, versionOfFile } from '../files/small-file';
import { Narrator } from '../observability/narrator';
import { keyFileName } from '../pools/bindings/engine-address';
import { MAX_KEY_FILE_BYTES, parseEngineKey, type EngineKey } from './engine-key-file';

interface KnownKey extends EngineKey {
  readonly version: string;
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

  override async read({ url, apiKeyFile }: KeyHolder): Promise<string | undefined> {
    if (apiKeyFile === undefined) return undefined;
    const { folder, path } = this.placeOf(apiKeyFile);
    const version = await versionOfFile(folder, path);
    const known = this.keys.get(apiKeyFile);
    if (!known || version !== known.version) await this.readAgain(apiKeyFile, version ?? '');
    return this.known({ url, apiKeyFile });
  }

  override known({ url, apiKeyFile }: KeyHolder): string | undefined {
    if (apiKeyFile === undefined) return undefined;
    const known = this.keys.get(apiKeyFile);
    if (!known) throw unusable('it was not read yet');
    if (known.addresses.length > 0 && !known.addresses.includes(url)) throw unusable('it is not for this engine');
    return known.key;
  }

  /** A file that cannot be used any more, perhaps because it is being written, does not take away the key that was read before. */
  private async readAgain(name: string, version: string): Promise<void> {
    const { folder, path } = this.placeOf(name);
    const known = this.keys.get(name);
    try {
      const file = await readSmallFile(folder, path, MAX_KEY_FILE_BYTES);
      if (!file.ok) throw new Error(file.reason);
      this.keys.set(name, { ...parseEngineKey(new TextDecoder().decode(file.bytes)), version });
    } catch (thrown) {
      const reason = (thrown as Error).message;
      if (!known) throw unusable(reason);
      if (known.fault !== reason) {
        const human = `The key file of an engine cannot be used: ${reason}. The key known so far stays.`;
        this.narrator.warn(human, { event: 'engine_key_unreadable' });
      }
      this.keys.set(name, { ...known, fault: reason });
    }
  }

  private placeOf(name: string): { readonly folder: string; readonly path: string } {
    const { engineKeysDir, llamacppApiKeyFile } = this.config;
    // The operator's own, wherever it lies.
    if (name === llamacppApiKeyFile) return { folder: '/', path: name };
    if (engineKeysDir === undefined) throw unusable('no folder for keys is configured (ORCHD_ENGINE_KEYS_DIR)');
    if (!keyFileName.test(name)) throw unusable('its name is not a plain one');
    return { folder: engineKeysDir, path: join(engineKeysDir, name) };
  }
}

function unusable(reason: string): ServiceError {
  return new ServiceError('ENGINE_PROTOCOL', { message: `The engine's key file cannot be used: ${reason}.` });
}
