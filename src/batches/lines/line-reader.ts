import type { FileContents } from '../../uploads/file-contents.port';
import { isOdd, LineSplitter, type FileLine } from './line-splitter';

/** Read at once, and held while its lines are wanted: of a thousand batches at once that is 32 MiB. */
const CHUNK_BYTES = 32 * 1024;

/** Reads the lines of a file that was looked at before, one by one, as they are wanted. */
export class LineReader {
  private readonly splitter: LineSplitter;
  private atByte = 0;
  private lines: FileLine[] = [];
  private isOver = false;

  constructor(
    private readonly contents: FileContents,
    private readonly fileId: string,
    maxLineBytes: number,
  ) {
    this.splitter = new LineSplitter(maxLineBytes);
  }

  /** One call at a time. Undefined at the end. @throws ServiceError STORAGE_UNAVAILABLE */
  async next(): Promise<FileLine | undefined> {
    for (;;) {
      const line = this.lines.shift();
      if (line || this.isOver) return line;
      const chunk = await this.contents.read(this.fileId, this.atByte, CHUNK_BYTES);
      this.atByte += chunk.length;
      this.isOver = chunk.length === 0;
      const found = this.isOver ? this.splitter.end() : this.splitter.push(chunk);
      this.lines = found.filter((each): each is FileLine => !isOdd(each));
    }
  }
}
