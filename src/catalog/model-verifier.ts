import type { FileHandle } from 'node:fs/promises';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../config/config';
import { Narrator } from '../observability/narrator';
import { hashOf } from './file-hash';
import type { ModelEntry, VerificationResult } from './model-catalog.port';
import { openModelFile } from './model-file';

/** Files hashed at the same time: a core each, and what the disk gives is shared. */
const MAX_CONCURRENT = 2;
/** Digest algorithms and the length of their digests. One that can be forged today proves nothing, so it is not among them. */
const digestBytes: ReadonlyMap<string, number> = new Map([
  ['sha256', 32],
  ['sha384', 48],
  ['sha512', 64],
  ['sha3-256', 32],
  ['sha3-512', 64],
  ['blake2b512', 64],
]);

/** Hashes model files and compares them with their digests, a few at a time. */
@Injectable()
export class ModelVerifier implements OnModuleDestroy {
  private running = 0;
  /** At most one for each model: see VerificationService. */
  private readonly waiting: (() => void)[] = [];
  private readonly closing = new AbortController();

  constructor(
    private readonly config: Config,
    private readonly narrator: Narrator,
  ) {}

  onModuleDestroy(): void {
    this.closing.abort();
  }

  /** Rejects only when the service stops. */
  async verify({ id, digest, localPath }: ModelEntry): Promise<VerificationResult> {
    if (digest === undefined) return { result: 'skipped', reason: 'no_digest' };
    await this.turn();
    try {
      return await this.compare(digest, localPath);
    } catch (cause) {
      this.closing.signal.throwIfAborted();
      this.narrator.warn(`The file of model ${id} cannot be read.`, { event: 'model_unreadable', model_id: id }, cause);
      return { result: 'failed', reason: 'unreadable' };
    } finally {
      this.running--;
      this.waiting.shift()?.();
    }
  }

  private async compare(digest: string, localPath: string | undefined): Promise<VerificationResult> {
    const file = localPath === undefined ? undefined : await openModelFile(this.config.modelsDir, localPath);
    if (!file) return { result: 'skipped', reason: 'no_file' };
    try {
      return await this.compareFile(digest, file);
    } finally {
      await file.close();
    }
  }

  private async compareFile(digest: string, file: FileHandle): Promise<VerificationResult> {
    const colon = digest.indexOf(':');
    const algorithm = digest.slice(0, colon).toLowerCase();
    const length = digestBytes.get(algorithm);
    if (length === undefined) return { result: 'skipped', reason: 'unsupported_algorithm' };
    const expected = bytesOf(digest.slice(colon + 1), length);
    // What cannot be a digest of its algorithm matches no file, so none is read.
    const isSame = expected !== undefined && expected.equals(await hashOf(file, algorithm, this.closing.signal));
    return isSame ? { result: 'passed', reason: 'digest_match' } : { result: 'failed', reason: 'digest_mismatch' };
  }

  private async turn(): Promise<void> {
    while (this.running >= MAX_CONCURRENT) await new Promise<void>(resolve => this.waiting.push(resolve));
    this.running++;
  }
}

/** A digest as registries write it: hex, or base64 (also its URL form). */
function bytesOf(value: string, length: number): Buffer | undefined {
  const isHex = value.length === length * 2 && /^[0-9a-f]+$/i.test(value);
  const bytes = Buffer.from(value, isHex ? 'hex' : 'base64');
  return bytes.length === length ? bytes : undefined;
}
