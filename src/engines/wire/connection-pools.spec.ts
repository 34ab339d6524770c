import { lookup } from 'node:dns';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ConnectionPools } from './connection-pools';

const pools = new ConnectionPools({ lookup });

afterEach(() => pools.destroy());

describe('ConnectionPools', () => {
  it('has one pool an engine', () => {
    expect(pools.at('http://127.0.0.1:1')).toBe(pools.at('http://127.0.0.1:1'));
  });

  it('forgets engines that nothing is connected to when a new one comes', async () => {
    const server = createServer(socket => {
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    });
    await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
    const inUse = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const connected = pools.at(inUse);
    await connected.request({ path: '/', method: 'GET' });
    const idle = pools.at('http://127.0.0.1:1');

    pools.at('http://127.0.0.1:2');
    expect(pools.at(inUse)).toBe(connected);
    expect(pools.at('http://127.0.0.1:1')).not.toBe(idle);

    await pools.destroy();
    await new Promise(closed => server.close(closed));
  });
});
