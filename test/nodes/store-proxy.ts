import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** The way of one node to its store, which a test can cut. */
export interface StoreProxy {
  readonly url: string;
  /** Breaks what is open, and refuses what comes, until it is mended. */
  cut(): void;
  mend(): void;
  /** From now on to another server; what is open is broken. */
  to(port: number): void;
  stop(): Promise<void>;
}

export async function startStoreProxy(firstPort: number): Promise<StoreProxy> {
  const open = new Set<Socket>();
  let isCut = false;
  let port = firstPort;
  const server = createServer(node => {
    if (isCut) {
      node.destroy();
      return;
    }
    const store = connect(port, '127.0.0.1');
    const end = (): void => {
      node.destroy();
      store.destroy();
    };
    for (const socket of [node, store]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', () => {
        open.delete(socket);
        end();
      });
    }
    node.pipe(store);
    store.pipe(node);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true;
      cut();
    },
    mend: () => void (isCut = false),
    to: next => {
      port = next;
      cut();
    },
    stop: async () => {
      cut();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
