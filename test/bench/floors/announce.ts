import type { AddressInfo, Server } from 'node:net';

const BACKLOG = 4096;

/** Listens on a free port and says so the way the service does. */
export function announce(server: Server): void {
  server.listen(0, '127.0.0.1', BACKLOG, () => sayListening((server.address() as AddressInfo).port));
}

export function sayListening(port: number): void {
  process.stdout.write(`${JSON.stringify({ event: 'listening', url: `http://127.0.0.1:${port}` })}\n`);
}
