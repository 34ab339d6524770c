import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder';
import { ConfigError, loadConfig } from './config';

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  it('starts from nothing with safe defaults', () => {
    const { config, warnings } = loadConfig({});
    expect(config.addr).toEqual({ host: '127.0.0.1', port: 8080 });
    expect(config).toMatchObject({ admissionCapacity: 16, admissionPolicy: 'reject', fallback: 'auto' });
    expect(warnings).toEqual([]);
  });

  it('names every malformed setting at once, with what is allowed', () => {
    const faults = faultsOf({ ORCHD_ADMISSION_CAPACITY: '0', ORCHD_FALLBACK: 'maybe', ORCHD_ADDR: 'here' });
    expect(faults).toHaveLength(3);
    expect(faults.join('\n')).toContain(
      'ORCHD_ADMISSION_CAPACITY is malformed: expected a whole number from 1 to 1000000',
    );
    expect(faults.join('\n')).toContain('deterministic | wait | error');
  });

  it.each([
    ['ORCHD_ADMISSION_CAPACITY', '1e3'],
    ['ORCHD_DETACH_GRACE_MS', '-1'],
    ['ORCHD_ADDR', '127.0.0.1:99999'],
    ['ORCHD_LLAMACPP_URL', 'http://user:secret@localhost'],
    ['ORCHD_ENGINE_ALLOW', '10.0.0.0/99'],
    ['ORCHD_API_KEYS', 'with space'],
    ['ORCHD_CORS_ORIGINS', 'https://chat.example.org/'],
    ['ORCHD_CORS_ORIGINS', 'chat.example.org'],
  ])('refuses %s=%s', (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual([expect.stringContaining(name)]);
  });

  it('never repeats a value in a fault, for it may be a secret', () => {
    expect(faultsOf({ AUTH_TOKEN: 'canary secret' }).join()).not.toContain('canary');
  });

  it('takes an empty variable as not set', () => {
    expect(loadConfig({ ORCHD_ADMISSION_CAPACITY: '' }).config.admissionCapacity).toBe(16);
  });

  it('warns about an unknown name with the nearest known one, and starts all the same', () => {
    const { warnings } = loadConfig({ ORCHD_ADMISSION_CAPACTIY: '5', ORCHD_SERVICE_PORT_HTTP: '80' });
    expect(warnings[0]).toContain('ORCHD_ADMISSION_CAPACITY');
    expect(warnings).toHaveLength(2);
  });

  it('answers the setting that is not offered with the reason', () => {
    expect(faultsOf({ ORCHD_PREFER_H2: '1' })).toEqual([expect.stringContaining('HTTP/2 ends at the ingress')]);
  });

  it('refuses an open bind without a key, and takes it with one', () => {
    expect(faultsOf({ ORCHD_ADDR: '0.0.0.0:8080' })).toEqual([expect.stringContaining('ORCHD_API_KEYS')]);
    expect(faultsOf({ ORCHD_ADDR: '0.0.0.0:8080', ORCHD_API_KEYS: 'k1,k2' })).toEqual([]);
    expect(loadConfig({ ORCHD_ADDR: '[::1]:0' }).config.addr).toEqual({ host: '::1', port: 0 });
  });

  it('reads the worker token from a file, less its line end', () => {
    const folder = temporaryFolder();
    onTestFinished(() => folder.remove());
    const file = join(folder.path, 'token');
    writeFileSync(file, 'from-file\n');
    expect(loadConfig({ AUTH_TOKEN_FILE: file }).config.authToken).toBe('from-file');
    expect(faultsOf({ AUTH_TOKEN_FILE: `${file}.missing` })).toEqual([expect.stringContaining('AUTH_TOKEN_FILE')]);
    expect(faultsOf({ AUTH_TOKEN_FILE: file, AUTH_TOKEN: 'x' })).toEqual([expect.stringContaining('keep one')]);
  });
});
