import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy that cuts connections: the reader's and the service's at once, with whatever was under way. */
export interface CuttingProxy {
  readonly url: string;
  /** Connections so far. */
  readonly connections: number;
  /** Bytes of the service's after which each connection in turn is cut; those that follow stay whole. */
  readonly cutsLeft: readonly number[];
  stop(): Promise<void>;
}

export async function startCuttingProxy(targetUrl: string, cutAfterBytes: readonly number[]): Promise<CuttingProxy> {
  const target = new URL(targetUrl);
  const cutsLeft = [...cutAfterBytes];
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer(reader => {
    connections++;
    let bytesLeft = cutsLeft.shift() ?? Infinity;
    const service = connect(Number(target.port), target.hostname);
    const cut = (): void => {
      reader.destroy();
      service.destroy();
    };
    for (const socket of [reader, service]) {
      open.add(socket);
      socket.on('error', cut);
      socket.on('close', () => open.delete(socket));
    }
    reader.pipe(service);
    reader.on('end', () => service.end());
    service.on('end', () => reader.end());
    service.on('data', (bytes: Buffer) => {
      if (bytes.length < bytesLeft) {
        bytesLeft -= bytes.length;
        reader.write(bytes);
        return;
      }
      service.pause();
      reader.end(bytes.subarray(0, bytesLeft), cut);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    cutsLeft,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
