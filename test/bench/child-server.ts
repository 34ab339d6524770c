import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Between two rounds connections stay idle for longer than the five seconds Node gives them. */
const KEEP_ALIVE_MS = 600_000;

/** Listens on a loopback port of its own and prints its URL, which is what the parent waits for. */
export function listenAndSay(server: Server): void {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(0, '127.0.0.1', 1024, () => sayReady((server.address() as AddressInfo).port));
}

export function sayReady(port: number): void {
  process.stdout.write(`ready http://127.0.0.1:${port}\n`);
}

process.on('SIGTERM', () => process.exit(0));
