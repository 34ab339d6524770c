import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** One exchange with OpenAI, see README.md beside this. */
export interface Recorded {
  readonly name: string;
  readonly path: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly contentType: string;
  /** JSON, or the text of a stream. */
  readonly reply: object | string;
}

const folder = resolve(__dirname, 'recordings');

export const recorded: readonly Recorded[] = readdirSync(folder)
  .sort()
  .map(file => ({
    name: file.replace(/\.json$/, ''),
    ...(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Omit<Recorded, 'name'>),
  }));
