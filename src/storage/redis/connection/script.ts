import { createHash } from 'node:crypto';
import { prelude } from './prelude';

/**
 * A step that the server does as a whole. `KEYS[1]` is the deployment's prefix, from which all keys are made, so that they are in one hash
 * slot; the time is the server's.
 */
export class Script {
  private known: { readonly text: string; readonly sha: string } | undefined;

  constructor(
    readonly name: string,
    private readonly body: string,
  ) {
    all.push(this);
  }

  get text(): string {
    return this.loaded.text;
  }

  get sha(): string {
    return this.loaded.sha;
  }

  private get loaded(): { readonly text: string; readonly sha: string } {
    if (!this.known) {
      const text = `${prelude.text}\n${this.body}`;
      this.known = { text, sha: createHash('sha1').update(text).digest('hex') };
    }
    return this.known;
  }
}

const all: Script[] = [];

/** To be loaded on each server before they are needed. */
export function allScripts(): readonly Script[] {
  return all;
}
