/** Indexes of tokens, as the service numbers them and as the bench engine does. */
const INDEX = /"i":(\d+)|"tokens":\[(\d+)\]/g;

/** Looks at every token of a stream: each must come once, in its order. */
export class TokenCheck {
  tokens = 0;
  /** Of the first token, by performance.now(). */
  firstAtMs = NaN;
  isComplete = false;
  /** The end of the last frames, for the words of an error. */
  last = '';
  private rest = '';

  /** @throws Error when a token is missing or comes twice */
  readonly take = (text: string): void => {
    const all = this.rest + text;
    const end = all.lastIndexOf('\n\n');
    if (end < 0) {
      this.rest = all;
      return;
    }
    this.rest = all.slice(end + 2);
    const frames = all.slice(0, end);
    this.last = frames.slice(-500);
    for (const [, ours, engines] of frames.matchAll(INDEX)) {
      if (this.tokens === 0) this.firstAtMs = performance.now();
      if (Number(ours ?? engines) !== this.tokens) {
        throw new Error(`token ${ours ?? engines} came where ${this.tokens} was due`);
      }
      this.tokens++;
    }
    this.isComplete ||= frames.includes('event: end') || frames.includes('"stop":true');
  };
}
