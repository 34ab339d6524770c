import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config/config';
import { EngineAddressPolicy } from './engine-allow';

function policy(allow?: string): EngineAddressPolicy {
  return new EngineAddressPolicy(loadConfig(allow === undefined ? {} : { ORCHD_ENGINE_ALLOW: allow }).config);
}

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
    'http://[fd00:ec2::254]/',
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

  it('never allows link-local, though it is listed', async () => {
    const open = policy('0.0.0.0/0,::/0');
    expect(await open.check('http://8.8.8.8/')).toEqual({ ok: true });
    expect(await open.check('http://169.254.169.254/')).toMatchObject({ ok: false });
    expect(await open.check('http://[fe80::1]/')).toMatchObject({ ok: false });
  });

  it('takes a name that is listed, wherever it resolves to, and no other name outside the ranges', async () => {
    expect(await policy('localhost').check('http://localhost:1')).toEqual({ ok: true });
    expect(await policy('gpu.internal').check('http://localhost:1')).toMatchObject({ ok: false });
  });

  it('judges the address again when a connection is made', async () => {
    const connect = (allow: string): Promise<string> =>
      new Promise((resolve, reject) => {
        policy(allow).lookup('localhost', {}, (error, address) => (error ? reject(error) : resolve(address as string)));
      });
    await expect(connect('127.0.0.0/8,::1/128')).resolves.toMatch(/^(127\.0\.0\.1|::1)$/);
    await expect(connect('10.0.0.0/8')).rejects.toMatchObject({ code: 'EACCES' });
  });
});
