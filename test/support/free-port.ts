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

/** How often a port is looked for anew. */
const TRIES = 5;

/**
 * Starts a program on a port that was free just before; on another one where somebody else took that meanwhile, as tests
 * that run beside it do. `start` rejects with what the program said.
 */
export async function onFreePort<T>(
  start: (port: number) => Promise<T>,
  free: () => Promise<number> = freePort,
): Promise<{ readonly started: T; readonly port: number }> {
  for (let tries = 1; ; tries++) {
    const port = await free();
    try {
      return { started: await start(port), port };
    } catch (fault) {
      if (tries === TRIES || !/address already in use/i.test(String(fault))) throw fault;
    }
  }
}
