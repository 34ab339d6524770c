import { createServer, type AddressInfo } from 'node:net';

/** A port of loopback that nobody has at the moment; for a program that cannot say which one it took. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
