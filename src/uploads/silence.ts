import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../errors/service-error';
import { slowBodies } from '../http/bodies/slow-bodies';

/** So long a client may send nothing of what it has announced. */
const SILENCE_MS = 60_000;
const LOOKS = 6;

/** Watches that a long body goes on: it may take as long as it takes, but not stop. What waits for our disk is no silence. */
export class Silence {
  private timer: NodeJS.Timeout | undefined;
  private bytesBefore = -1;
  private silentLooks = 0;

  constructor(private readonly request: IncomingMessage) {
    slowBodies.add(request.socket);
  }

  onceTooLong(tell: (refusal: ServiceError) => void): void {
    const { request } = this;
    this.timer = setInterval(() => {
      const { bytesRead } = request.socket;
      this.silentLooks = bytesRead === this.bytesBefore && !request.isPaused() ? this.silentLooks + 1 : 0;
      this.bytesBefore = bytesRead;
      if (this.silentLooks >= LOOKS) tell(new ServiceError('REQUEST_TIMEOUT'));
    }, SILENCE_MS / LOOKS);
  }

  end(): void {
    clearInterval(this.timer);
    slowBodies.delete(this.request.socket);
  }
}
