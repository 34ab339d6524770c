/** Sleep after a time without work, as llama.cpp's `--sleep-idle-seconds`: the next request that needs the model wakes it. */
export class Sleep {
  /** How often it fell asleep. */
  times = 0;
  private asleep = false;
  private atWork = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly idleMs: number,
    private readonly load: () => Promise<void>,
    private readonly changed: () => void,
  ) {
    this.rest();
  }

  get isAsleep(): boolean {
    return this.asleep;
  }

  /** Serves a request that needs the model, which is loaded again where it is asleep. */
  async during(serve: () => void | Promise<void>): Promise<void> {
    if (this.idleMs === 0) return serve();
    clearTimeout(this.timer);
    this.atWork++;
    try {
      if (this.asleep) await this.load();
      this.asleep = false;
      await serve();
    } finally {
      this.atWork--;
      this.rest();
    }
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private rest(): void {
    if (this.idleMs === 0 || this.atWork > 0) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.asleep = true;
      this.times++;
      this.changed();
    }, this.idleMs);
  }
}
