import type { createClient } from '@redis/client';
import { readFileSync } from 'node:fs';
import type { Config } from '../../../config/config';
import type { StoreAddress, StoreHost } from '../../../config/store-address';
import { NobodyThere, StoreUnfit } from './store-faults';

const CONNECT_MS = 5000;

type Server = Extract<StoreAddress, { kind: 'server' }>;

/** For a command whose texts are wanted as bytes; 36 is `$`, the sign of a text in the protocol. */
export const asBytes = { typeMapping: { 36: Buffer } };

export type Client = ReturnType<typeof createClient>;

/** A connection to the server that takes writes, as far as anybody knows. @throws StoreUnfit, or whatever the connect fails with */
export async function connectToStore(config: Config): Promise<Client> {
  const server = config.store as Server;
  const host = server.sentinelName === undefined ? server.hosts[0] : await askSentinels(config, server);
  return connectTo(config, host as StoreHost, {
    database: server.database,
    username: config.storeUser,
    passwordFile: config.storePasswordFile,
  });
}

interface Credentials {
  readonly database: number;
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
}

/** The library is loaded here and not before: it takes a tenth of a start, which who has no store need not wait for. */
async function connectTo(config: Config, host: StoreHost, credentials: Credentials): Promise<Client> {
  const { createClient: create } = await import('@redis/client');
  const { database, username, passwordFile } = credentials;
  const client = create({
    RESP: 2,
    socket: {
      ...{ host: host.host, port: host.port, connectTimeout: CONNECT_MS, reconnectStrategy: false as const },
      ...((config.store as Server).tls && { tls: true as const, ...certificatesOf(config) }),
    },
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    database,
    ...(username !== undefined && { username }),
    ...(passwordFile !== undefined && { password: read('ORCHD_STORE_PASSWORD_FILE', passwordFile).trim() }),
  }) as unknown as Client;
  // Told by the connect itself; without a listener it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (thrown) {
    if (client.isOpen) client.destroy();
    throw new NobodyThere(`${host.host}:${host.port}`, thrown as Error);
  }
}

/** Read at each connect, so that what is renewed on the disk is used with the next one. */
function certificatesOf({ storeCaFile, storeCertFile, storeKeyFile }: Config): Record<string, string> {
  return {
    ...(storeCaFile !== undefined && { ca: read('ORCHD_STORE_CA_FILE', storeCaFile) }),
    ...(storeCertFile !== undefined && { cert: read('ORCHD_STORE_CERT_FILE', storeCertFile) }),
    ...(storeKeyFile !== undefined && { key: read('ORCHD_STORE_KEY_FILE', storeKeyFile) }),
  };
}

function read(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    throw new StoreUnfit(`${setting} cannot be read: ${(thrown as Error).message}`);
  }
}

/** The first that answers decides; one that knows nothing of the name is passed over, for it may not have heard of it yet. */
async function askSentinels(config: Config, { hosts, sentinelName = '' }: Server): Promise<StoreHost> {
  const faults: string[] = [];
  for (const sentinel of hosts) {
    let client: Client | undefined;
    try {
      client = await connectTo(config, sentinel, { database: 0, passwordFile: config.storeSentinelPasswordFile });
      const address = await client.sendCommand<string[] | null>(['SENTINEL', 'get-master-addr-by-name', sentinelName]);
      if (address) return { host: String(address[0]), port: Number(address[1]) };
      faults.push(`the sentinel at ${sentinel.host}:${sentinel.port} watches nothing of the name ${sentinelName}`);
    } catch (thrown) {
      if (thrown instanceof StoreUnfit) throw thrown;
      faults.push(sentinelFault(sentinel, thrown as Error));
    } finally {
      if (client?.isOpen) client.destroy();
    }
  }
  throw new StoreUnfit(`no sentinel of ORCHD_STORE says where the store is: ${faults.join('; ')}`);
}

function sentinelFault({ host, port }: StoreHost, { message }: Error): string {
  const wantsPassword = /NOAUTH|WRONGPASS|invalid password/i.test(message);
  return wantsPassword
    ? `the sentinel at ${host}:${port} refuses us: its password goes into ORCHD_STORE_SENTINEL_PASSWORD_FILE`
    : message;
}
