import { readFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';

/** Certificates of localhost that are good for a hundred years; what signed them is thrown away. */
const [cert, key] = ['server.pem', 'server.key.pem'].map(name => readFileSync(join(__dirname, name)));
/** Path of the certificate by which they are trusted. */
export const authorityFile = join(__dirname, 'authority.pem');

export interface TlsFront {
  /** `https://127.0.0.1:port`. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Takes TLS connections, and hands what comes over them on to a plain server. */
export async function tlsFront(target: string): Promise<TlsFront> {
  const { hostname, port } = new URL(target);
  const open = new Set<TLSSocket>();
  const server = createServer({ cert, key }, socket => {
    const behind = connect(Number(port), hostname);
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => (open.delete(socket), behind.destroy()));
    behind.on('error', () => undefined).on('close', () => socket.destroy());
    socket.pipe(behind).pipe(socket);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
