/**
 * Frames that do not change any more, in one string: the garbage collector would look at each of some hundred small ones for as
 * long as late readers may ask for them.
 */
export class PackedFrames {
  private readonly text: string;
  /** Where each ends, in characters of the text. */
  private readonly ends: Uint32Array;

  constructor(frames: readonly string[]) {
    this.text = frames.join('');
    this.ends = new Uint32Array(frames.length);
    let end = 0;
    frames.forEach((frame, at) => (this.ends[at] = end += frame.length));
  }

  get length(): number {
    return this.ends.length;
  }

  at(index: number): string {
    return this.text.slice(index === 0 ? 0 : this.ends[index - 1], this.ends[index]);
  }
}
