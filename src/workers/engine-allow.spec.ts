import dns, { type LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import { loadConfig } from '../config/config';
import { EngineAddressPolicy } from './engine-allow';

function policy(allow?: string): EngineAddressPolicy {
  return new EngineAddressPolicy(loadConfig(allow === undefined ? {} : { ORCHD_ENGINE_ALLOW: allow }).config);
}

afterEach(() => void vi.restoreAllMocks());

describe('EngineAddressPolicy', () => {
  it.each([
    'http://127.0.0.1:8080',
    'http://localhost:8080',
    'http://10.1.2.3:8080/base',
    'https://192.168.1.20',
    'http://172.16.0.1',
    'http://[::1]:8080',
    'http://[fd12::1]:8080',
    'http://[::ffff:127.0.0.1]:8080',
    'http://2130706433:8080',
  ])('lets an engine live at %s by default', async url => {
    expect(await policy().check(url)).toEqual({ ok: true });
  });

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://[::ffff:169.254.169.254]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[::169.254.169.254]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://0251.0376.0251.0376/',
    'http://169.254.43518/',
    'http://[fe80::1]/',
    'http://169.254.169.254./',
    'http://%31%36%39.254.169.254/',
    'http://①⑥⑨.254.169.254/',
    'http://[::ffff:0:a9fe:a9fe]/',
    'http://[fd00:ec2::254]/',
    'http://[fd00:ec2::23]/',
    'http://[fd20:ce::254]/',
    'http://[fd00:42::42]/',
    'http://0.0.0.0/',
    'http://[::]/',
    'http://224.0.0.1/',
    'http://8.8.8.8/',
    'http://[2001:4860:4860::8888]/',
    'http://172.32.0.1/',
    'ftp://127.0.0.1/',
    'file:///etc/passwd',
    'http://user:pass@127.0.0.1/',
    'http://127.0.0.1/?x=1',
    'http://127.0.0.1/#x',
    'http://',
    'nonsense',
    `http://127.0.0.1/${'a'.repeat(3000)}`,
  ])('refuses %s', async url => {
    expect(await policy().check(url)).toMatchObject({ ok: false });
  });

  it('never allows link-local, metadata, or what hides them, though it is listed', async () => {
    const open = policy('0.0.0.0/0,::/0');
    expect(await open.check('http://8.8.8.8/')).toEqual({ ok: true });
    for (const host of [
      '169.254.169.254',
      '100.100.100.200',
      '168.63.129.16',
      '192.0.0.192',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
      '[fe80::1]',
      '[::]',
      '[ff02::1]',
      '[::ffff:169.254.169.254]',
      '[::169.254.169.254]',
      '[::ffff:0:a9fe:a9fe]',
      '[64:ff9b::a9fe:a9fe]',
      '[64:ff9b:1::a9fe:a9fe]',
      '[2002:a9fe:a9fe::1]',
      '[2001:0:a9fe:a9fe::1]',
      '[fd00:ec2::254]',
      '[fd20:ce::254]',
    ]) {
      expect(await open.check(`http://${host}/`), host).toMatchObject({ ok: false });
    }
  });

  it('takes a name that is listed, wherever it resolves to, and no other name outside the ranges', async () => {
    expect(await policy('localhost').check('http://localhost:1')).toEqual({ ok: true });
    expect(await policy('gpu.internal').check('http://localhost:1')).toMatchObject({ ok: false });
  });

  it('gives a name no way to link-local, though the name is listed', async () => {
    const answer = vi.spyOn(dns.promises, 'lookup') as unknown as MockInstance<() => Promise<LookupAddress[]>>;
    const listed = policy('gpu.internal');
    answer.mockResolvedValue([{ address: '8.8.8.8', family: 4 }]);
    expect(await listed.check('http://gpu.internal/')).toEqual({ ok: true });
    answer.mockResolvedValue([
      { address: '8.8.8.8', family: 4 },
      { address: '169.254.169.254', family: 4 },
    ]);
    expect(await listed.check('http://gpu.internal/')).toMatchObject({ ok: false });
    answer.mockRejectedValue(new Error('ENOTFOUND'));
    expect(await listed.check('http://gpu.internal/')).toMatchObject({ ok: false });
  });

  it('sends no packet where a name changed its address after the check', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    let connections = 0;
    server.on('connection', socket => {
      connections++;
      socket.destroy();
    });
    // Whatever the name was when it was checked, it is a loopback address now.
    const refused = connect({ host: 'localhost', port, lookup: policy('10.0.0.0/8').lookup });
    expect(await once(refused, 'error')).toMatchObject([{ code: 'EACCES' }]);
    const taken = connect({ host: 'localhost', port, lookup: policy('127.0.0.0/8').lookup });
    await once(taken, 'close');
    expect(connections).toBe(1);
    server.close();
  });

  it('judges the address again when a connection is made', async () => {
    const resolved = (allow: string): Promise<string> =>
      new Promise((resolve, reject) => {
        policy(allow).lookup('localhost', {}, (error, address) => (error ? reject(error) : resolve(address as string)));
      });
    await expect(resolved('127.0.0.0/8,::1/128')).resolves.toMatch(/^(127\.0\.0\.1|::1)$/);
    await expect(resolved('10.0.0.0/8')).rejects.toMatchObject({ code: 'EACCES' });
  });
});
