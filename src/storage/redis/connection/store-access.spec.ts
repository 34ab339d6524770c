import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { LAST_RESORT_MS } from '../../../../test/support/deadline';
import { freePort } from '../../../../test/support/free-port';
import { hasRedisServer, startRedis, type RedisOptions, type RedisServer } from '../../../../test/support/redis-server';
import { command, startSentinels } from '../../../../test/support/redis-sentinels';
import { closeStores, openStore } from '../../../../test/support/redis-store';
import { temporaryFolder } from '../../../../test/support/temporary-folder';
import { Script } from './script';
import { commandsOfKeys, leastRules } from './store-permissions';

/* Who may connect to a store, and how: certificates, users, sentinels; and what a start says where it may not. */

const echo = new Script(
  'echo',
  "redis.call('SET', KEYS[1] .. ':x', ARGV[1]) return redis.call('GET', KEYS[1] .. ':x')",
);
const tls = resolve(__dirname, '../../../../test/support/tls');
const [authority, certificate, key] = ['authority.pem', 'server.pem', 'server.key.pem'].map(name =>
  join(tls, name),
) as [string, string, string];

async function redis(options?: RedisOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  onTestFinished(() => server.stop());
  return server;
}

/** A server that speaks TLS, on a port of its own. */
async function tlsRedis(clients: 'yes' | 'no'): Promise<RedisServer> {
  const port = await freePort();
  const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', authority];
  const server = await redis({ settings: ['--tls-port', String(port), '--tls-auth-clients', clients, ...files] });
  return { ...server, url: `rediss://127.0.0.1:${port}` };
}

function file(text: string): string {
  const folder = temporaryFolder();
  onTestFinished(() => folder.remove());
  const path = join(folder.path, 'file');
  writeFileSync(path, text);
  return path;
}

describe.skipIf(!hasRedisServer())('a store over TLS', { timeout: 60_000 }, () => {
  afterEach(closeStores);

  it('is trusted by the authority in ORCHD_STORE_CA_FILE', async () => {
    const { store } = await openStore(await tlsRedis('no'), { ORCHD_STORE_CA_FILE: authority });
    expect(await store.run(echo, 'a')).toBe('a');
  });

  it('knows a node by its certificate, where it asks for one', async () => {
    const server = await tlsRedis('yes');
    const env = { ORCHD_STORE_CA_FILE: authority, ORCHD_STORE_CERT_FILE: certificate, ORCHD_STORE_KEY_FILE: key };
    const { store } = await openStore(server, env);
    expect(await store.run(echo, 'a')).toBe('a');
    await expect(openStore(server, { ORCHD_STORE_CA_FILE: authority })).rejects.toThrow(/ORCHD_STORE_CERT_FILE/);
  });

  it('says which setting is wrong', async () => {
    const server = await tlsRedis('no');
    const plain = `redis://127.0.0.1:${server.port}`;
    await expect(openStore(server)).rejects.toThrow(/signed by nobody we know: set ORCHD_STORE_CA_FILE/);
    await expect(openStore(server, { ORCHD_STORE_CA_FILE: '/nowhere.pem' })).rejects.toThrow(
      /ORCHD_STORE_CA_FILE cannot be read/,
    );
    await expect(openStore(server, { ORCHD_STORE_CA_FILE: file('-----BEGIN CERTIFICATE-----\nnone') })).rejects.toThrow(
      /ORCHD_STORE_CA_FILE/,
    );
    await expect(openStore({ ...server, url: plain.replace('redis:', 'rediss:') })).rejects.toThrow(/speaks TLS/);
    await expect(openStore({ ...server, url: server.url.replace('rediss:', 'redis:') })).rejects.toThrow(
      /name it as rediss:/,
    );
  });
});

describe.skipIf(!hasRedisServer())('a user of the store', { timeout: 60_000 }, () => {
  afterEach(closeStores);
  const withUser = (rules: string, deployment: string) => async (server: RedisServer) => {
    await command(server.port, ['ACL', 'SETUSER', 'nodes', 'reset', 'on', '>secret', ...rules.split(' ')]);
    const env = { ORCHD_STORE_USER: 'nodes', ORCHD_STORE_PASSWORD_FILE: file('secret\n') };
    return openStore(server, env, deployment);
  };

  it('needs no more than the rules that are documented', async () => {
    const server = await redis();
    const { store } = await withUser(leastRules('mine'), 'mine')(server);
    expect(await store.run(echo, 'a')).toBe('a');
    await expect(command(server.port, ['ACL', 'LOG'])).resolves.toEqual([]);
  });

  it('is asked for every command that a driver sends', () => {
    const folder = resolve(__dirname, '..');
    const sources = readdirSync(folder).filter(name => name.endsWith('.ts') && !name.endsWith('.spec.ts'));
    const text = sources.map(name => readFileSync(join(folder, name), 'utf8')).join('\n');
    const sent = [...text.matchAll(/(?:\.call\(\s*|range = \[)'([A-Z]+)'/g)].map(([, name]) => name);
    expect(sent.length).toBeGreaterThan(10);
    expect(commandsOfKeys()).toEqual(expect.arrayContaining(sent));
  });

  it.each([
    [
      'too few commands',
      leastRules('mine').replace('+zadd ', '').replace('+srandmember ', ''),
      /give it \+srandmember \+zadd on ~\{mine\}\*/,
    ],
    [
      'another deployment’s keys',
      leastRules('mine').replace('~{mine}', '~{other}'),
      /may not use the keys of deployment mine: give it ~\{mine\}\*/,
    ],
    ['no channels', leastRules('mine').replace('&{mine}:*', ''), /\+spublish.*&\{mine\}:\*/],
    ['no scripts', leastRules('mine').replace('+eval ', ''), /may not do what nodes do there.*eval/],
  ])('with %s is refused, with what is missing', async (_, rules, message) => {
    await expect(withUser(rules.replace(/ {2,}/g, ' '), 'mine')(await redis())).rejects.toThrow(message);
  });

  it('is refused by a wrong password, none, or one too many', async () => {
    const server = await redis({ settings: ['--requirepass', 'secret'] });
    const open = await redis();
    const password = (text: string) => ({ ORCHD_STORE_PASSWORD_FILE: file(text) });
    expect((await openStore(server, password('secret\n'))).store.isUp).toBe(true);
    await expect(openStore(server, password('other'))).rejects.toThrow(/does not know user default by this password/);
    await expect(openStore(server)).rejects.toThrow(/asks for a password: set ORCHD_STORE_PASSWORD_FILE/);
    await expect(openStore(open, password('secret'))).rejects.toThrow(/wants no password/);
    await expect(openStore(server, { ORCHD_STORE_PASSWORD_FILE: '/nowhere' })).rejects.toThrow(
      /ORCHD_STORE_PASSWORD_FILE cannot be read/,
    );
  });
});

describe.skipIf(!hasRedisServer())('an address of a store', { timeout: 60_000 }, () => {
  afterEach(closeStores);

  it('is named where nobody answers there, or has no such database', async () => {
    const server = await redis();
    const port = await freePort();
    await expect(openStore({ ...server, url: `redis://127.0.0.1:${port}` })).rejects.toThrow(
      new RegExp(`nobody answers at 127.0.0.1:${port} .*see ORCHD_STORE`),
    );
    await expect(openStore({ ...server, url: `${server.url}/99` })).rejects.toThrow(/no database of the number/);
  });

  it('is asked of sentinels, again after a failover', async () => {
    const server = await redis();
    const replica = await redis({ settings: ['--replicaof', '127.0.0.1', String(server.port)] });
    const sentinels = await startSentinels(server, 1);
    onTestFinished(() => sentinels.stop());
    const { store } = await openStore({ ...server, url: sentinels.url });
    expect(await store.run(echo, 'a')).toBe('a');
    await server.stop();
    await expect.poll(() => sentinels.port(), { timeout: LAST_RESORT_MS }).toBe(replica.port);
    await expect.poll(() => store.run(echo, 'b').catch(() => 0), { timeout: LAST_RESORT_MS }).toBe('b');
    await expect(command(replica.port, ['GET', `${store.prefix}:x`])).resolves.toBe('b');
  });

  it('is refused where no sentinel answers or knows the name, and where they want a password', async () => {
    const server = await redis();
    const sentinels = await startSentinels(server, 0, { password: 'hush' });
    onTestFinished(() => sentinels.stop());
    const at = (url: string, env = {}) => openStore({ ...server, url }, env);
    await expect(at(sentinels.url)).rejects.toThrow(/ORCHD_STORE_SENTINEL_PASSWORD_FILE/);
    const env = { ORCHD_STORE_SENTINEL_PASSWORD_FILE: file('hush') };
    expect((await at(sentinels.url, env)).store.isUp).toBe(true);
    await expect(at(sentinels.url.replace('/main', '/other'), env)).rejects.toThrow(
      /watches nothing of the name other/,
    );
    await expect(at(`redis+sentinel://127.0.0.1:${await freePort()}/main`)).rejects.toThrow(
      /no sentinel of ORCHD_STORE/,
    );
  });
});
