import { createHash, getHashes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import type { ModelEntry, VerificationResult } from './model-catalog.port';
import { openModelFile } from './model-file';

/** Small enough that hashing one chunk (under a millisecond) holds the event loop no longer than a large request does. */
const CHUNK_BYTES = 512 * 1024;
const MAX_CONCURRENT = 2;

/** Hashes model files and compares them with their digests, a few at a time. */
@Injectable()
export class ModelVerifier {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly config: Config) {}

  async verify(entry: ModelEntry): Promise<VerificationResult> {
    if (entry.digest === undefined) return { result: 'skipped', reason: 'no_digest' };
    const [algorithm = '', ...rest] = entry.digest.split(':');
    if (!getHashes().includes(algorithm.toLowerCase())) return { result: 'skipped', reason: 'unsupported_algorithm' };
    await this.turn();
    try {
      return await this.compare(entry.localPath, algorithm.toLowerCase(), rest.join(':'));
    } finally {
      this.running--;
      this.waiting.shift()?.();
    }
  }

  private async compare(localPath: string | undefined, algorithm: string, expected: string): Promise<VerificationResult> {
    const file = localPath === undefined ? undefined : await openModelFile(this.config.modelsDir, localPath);
    if (!file) return { result: 'skipped', reason: 'no_file' };
    try {
      const hash = createHash(algorithm);
      for await (const chunk of file.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false })) hash.update(chunk as Buffer);
      const actual = hash.digest('hex');
      const same = actual.length === expected.length && timingSafeEqual(Buffer.from(actual), Buffer.from(expected.toLowerCase()));
      return same ? { result: 'passed', reason: 'digest_match' } : { result: 'failed', reason: 'digest_mismatch' };
    } catch {
      return { result: 'failed', reason: 'unreadable' };
    } finally {
      await file.close();
    }
  }

  private async turn(): Promise<void> {
    while (this.running >= MAX_CONCURRENT) await new Promise<void>(resolve => this.waiting.push(resolve));
    this.running++;
  }
}
