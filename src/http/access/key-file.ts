import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { secret } from '../../config/parsers';

/** Read on the event loop, once for each change: so much is a matter of milliseconds. */
const MAX_BYTES = 1024 * 1024;
const MAX_KEYS = 10_000;

/** The file of ORCHD_API_KEYS_FILE: a key a line, `#` begins a comment. Read again only when it has changed. */
export class KeyFile {
  private version = '';

  constructor(private readonly path: string) {}

  /**
   * The keys in it; undefined while it is as it was when it was last read.
   * @throws Error that names the setting, what is wrong, and what is allowed; never a key
   */
  read(): readonly string[] | undefined {
    try {
      return this.readChanged();
    } catch (thrown) {
      const { code, message } = thrown as NodeJS.ErrnoException;
      const reason = code === undefined ? message : `it cannot be read (${code})`;
      throw new Error(`ORCHD_API_KEYS_FILE cannot be used: ${reason}.`);
    }
  }

  private readChanged(): readonly string[] | undefined {
    // Not waiting for a writer, should it be a FIFO.
    const file = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(file);
      const version = [stat.mtimeMs, stat.ctimeMs, stat.size, stat.ino].join(':');
      if (version === this.version) return undefined;
      if (!stat.isFile()) throw new Error('it is not a regular file');
      if (stat.size > MAX_BYTES) throw new Error(`it has ${stat.size} bytes, at most ${MAX_BYTES} are read`);
      const bytes = Buffer.alloc(MAX_BYTES);
      const keys = keysIn(bytes.toString('utf8', 0, readSync(file, bytes)));
      this.version = version;
      return keys;
    } finally {
      closeSync(file);
    }
  }
}

function keysIn(text: string): string[] {
  const lines = text.split('\n').map((line, at) => ({ number: at + 1, content: line.trim() }));
  const keys = lines.filter(({ content }) => content !== '' && !content.startsWith('#'));
  if (keys.length > MAX_KEYS) throw new Error(`it has ${keys.length} keys, at most ${MAX_KEYS} are allowed`);
  return keys.map(({ number, content }) => keyOf(content, number));
}

function keyOf(content: string, line: number): string {
  try {
    return secret.parse(content);
  } catch {
    throw new Error(`line ${line} is not a key of ${secret.allowed}`);
  }
}
