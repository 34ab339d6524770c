import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort, onFreePort } from './free-port';
import { hasRedisServer, startRedis } from './redis-server';

describe.skipIf(!hasRedisServer())('a server on a port of its own', () => {
  it('takes another one where somebody has that by the time it starts', async () => {
    const somebody = createServer();
    await new Promise<void>(resolve => somebody.listen(0, '127.0.0.1', resolve));
    const { port: taken } = somebody.address() as AddressInfo;
    const ports = [taken];
    try {
      const { started: server, port } = await onFreePort(
        at => startRedis({ port: at }),
        async () => ports.pop() ?? freePort(),
      );
      expect([ports, port === taken, server.port]).toEqual([[], false, port]);
      await server.stop();
    } finally {
      await new Promise(resolve => somebody.close(resolve));
    }
  });
});
