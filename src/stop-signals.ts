/**
 * SIGTERM and SIGINT, listened to before anything else is loaded: the first process of a container (PID 1) is sent no signal
 * that it does not listen to, so one that came while it loads would be lost. This file needs nothing, to be there first.
 */
export class StopSignals {
  /** What ends the process, as far as it has come. Until then nothing is open that would have to be closed. */
  onFirst: () => void = () => process.exit(0);
  /** Ends it at once, whatever the first has brought under way. */
  onSecond: () => void = () => process.exit(1);
  private heard = false;

  constructor() {
    const hear = (): void => {
      if (this.heard) return this.onSecond();
      this.heard = true;
      this.onFirst();
    };
    process.on('SIGTERM', hear);
    process.on('SIGINT', hear);
  }

  get came(): boolean {
    return this.heard;
  }
}
