import { describe, expect, it } from 'vitest';
import { storeAddress } from './store-address';

const server = { kind: 'server', tls: false, database: 0 };

describe('ORCHD_STORE', () => {
  it.each([
    ['embedded', { kind: 'embedded' }],
    ['redis://store', { ...server, hosts: [{ host: 'store', port: 6379 }] }],
    ['redis://10.0.0.7:7000/3', { ...server, hosts: [{ host: '10.0.0.7', port: 7000 }], database: 3 }],
    ['rediss://[::1]:6380', { ...server, hosts: [{ host: '::1', port: 6380 }], tls: true }],
    [
      'redis+sentinel://a,b:26380/main',
      {
        ...server,
        hosts: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 26_380 },
        ],
        sentinelName: 'main',
      },
    ],
    ['rediss+sentinel://a/main', { ...server, hosts: [{ host: 'a', port: 26_379 }], tls: true, sentinelName: 'main' }],
  ])('takes %s', (text, address) => {
    expect(storeAddress.parse(text)).toEqual(address);
  });

  it.each([
    ['', 'nothing'],
    ['redis://', 'no host'],
    ['redis://user:secret@store', 'a password, which would stand in the environment'],
    ['redis://store:0', 'a port that there is not'],
    ['redis://store:70000', 'a port that there is not'],
    ['redis://a,b', 'two hosts of one server'],
    ['redis://store/name', 'a database that is no number'],
    ['redis+sentinel://a', 'no name to watch'],
    ['valkey://store', 'a scheme that nobody knows'],
    ['http://store', 'a scheme that nobody knows'],
  ])('refuses %s: %s', text => {
    expect(() => storeAddress.parse(text)).toThrow(/embedded, redis:\/\//);
  });
});
