import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { endFrame, tokenFrame } from './frames';

const SLOTS = 4;

/** What a service asks of a llama.cpp server before it sends it work. */
const views: Readonly<Record<string, object>> = {
  '/health': { status: 'ok' },
  '/props': {
    default_generation_settings: { n_ctx: 8192 },
    total_slots: SLOTS,
    model_alias: 'sim.gguf',
    model_path: '/models/sim.gguf',
    build_info: 'b1-sim',
  },
  '/slots': Array.from({ length: SLOTS }, (_, id) => ({ id, n_ctx: 8192, is_processing: false })),
};

/** A llama.cpp server that sends one token, or the end, when it is told to: so that what each of them causes can be told apart. One completion at a time. */
export class SteppingEngine {
  private sent = 0;
  private running: ServerResponse | undefined;
  private begun = (): void => undefined;
  private readonly server = createServer((request, response) => this.answer(request, response));

  /** Resolves with its port. */
  start(): Promise<number> {
    return new Promise(settle => {
      this.server.listen(0, '127.0.0.1', () => settle((this.server.address() as AddressInfo).port));
    });
  }

  /** Resolves once a completion is asked for that has not been answered yet. */
  async asked(): Promise<void> {
    if (!this.running) await new Promise<void>(settle => (this.begun = settle));
  }

  /** The text by which a reader knows it. */
  sendToken(): string {
    const index = this.sent++;
    if (index === 0) this.running?.writeHead(200, { Server: 'llama.cpp', 'Content-Type': 'text/event-stream' });
    this.running?.write(tokenFrame(index));
    return `#${index} `;
  }

  sendEnd(): void {
    this.running?.end(endFrame(this.sent));
    this.running = undefined;
    this.sent = 0;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'POST' && request.url === '/completion') {
      request.resume().once('end', () => {
        this.running = response;
        this.begun();
      });
      return;
    }
    const view = views[request.url?.split('?')[0] ?? ''];
    response.writeHead(view ? 200 : 404, { Server: 'llama.cpp', 'Content-Type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(view ?? { error: { code: 404, message: 'File Not Found', type: 'not_found_error' } }));
  }
}
