import type { createClient } from '@redis/client';
import { readFileSync } from 'node:fs';
import type { Config } from '../../../config/config';
import type { StoreAddress, StoreHost } from '../../../config/store-address';
import type { Reply } from './store';

const CONNECT_MS = 5000;
/** A server that owes an answer for so long is given up: it hangs, or the way to it does. */
const ANSWER_MS = 5000;
const LOOK_MS = 500;

type Server = Extract<StoreAddress, { kind: 'server' }>;

type Client = ReturnType<typeof createClient>;

/** One connection, from its connect until it breaks; it never comes back, another takes its place. */
export class StoreLink {
  private owed = 0;
  private lastAnswerMs = 0;
  private readonly watch: NodeJS.Timeout;
  private isBroken = false;

  private constructor(
    private readonly client: Client,
    private readonly onBroken: () => void,
  ) {
    client.on('error', () => this.break());
    client.on('end', () => this.break());
    this.watch = setInterval(() => {
      if (this.owed > 0 && performance.now() - this.lastAnswerMs > ANSWER_MS) this.break();
    }, LOOK_MS);
    this.watch.unref();
  }

  /** @throws Error where nobody is there, or the server takes no writes */
  static async connect(config: Config, onBroken: () => void): Promise<StoreLink> {
    const server = config.store as Server;
    const host = server.sentinelName === undefined ? server.hosts[0] : await askSentinels(config, server);
    const client = await clientTo(config, host as StoreHost, server.database);
    // Told by the connect itself; without a listener it would end the process.
    client.on('error', () => undefined);
    await client.connect();
    return new StoreLink(client, onBroken);
  }

  /** Rejects with whatever the client says; translated by who calls. */
  async send(command: readonly string[]): Promise<Reply> {
    if (this.owed++ === 0) this.lastAnswerMs = performance.now();
    try {
      return await this.client.sendCommand<Reply>(command);
    } finally {
      this.owed--;
      this.lastAnswerMs = performance.now();
    }
  }

  async subscribe(channel: string, hear: (message: string) => void): Promise<void> {
    await this.client.sSubscribe(channel, hear);
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.client.sUnsubscribe(channel);
  }

  break(): void {
    if (this.isBroken) return;
    this.isBroken = true;
    clearInterval(this.watch);
    try {
      this.client.destroy();
    } catch {
      // It was closed already.
    }
    this.onBroken();
  }
}

/** The library is loaded here and not before: it takes a tenth of a start, which who has no store need not wait for. */
async function clientTo(
  config: Config,
  { host, port }: StoreHost,
  database: number,
  asSentinel = false,
): Promise<Client> {
  const { createClient: create } = await import('@redis/client');
  const { tls } = config.store as Server;
  const { storeUser, storePasswordFile, storeCaFile } = config;
  const socket = { host, port, connectTimeout: CONNECT_MS, reconnectStrategy: false as const };
  return create({
    RESP: 2,
    socket: tls
      ? { ...socket, tls, ...(storeCaFile !== undefined && { ca: readFileSync(storeCaFile, 'utf8') }) }
      : socket,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    database,
    ...(!asSentinel && storeUser !== undefined && { username: storeUser }),
    ...(!asSentinel && storePasswordFile !== undefined && { password: readFileSync(storePasswordFile, 'utf8').trim() }),
  }) as unknown as Client;
}

/** The first that answers decides. */
async function askSentinels(config: Config, { hosts, sentinelName = '' }: Server): Promise<StoreHost> {
  let last: unknown;
  for (const sentinel of hosts) {
    const client = await clientTo(config, sentinel, 0, true);
    client.on('error', () => undefined);
    try {
      await client.connect();
      const address = await client.sendCommand<string[] | null>(['SENTINEL', 'get-master-addr-by-name', sentinelName]);
      if (address) return { host: String(address[0]), port: Number(address[1]) };
      last = new Error(`the sentinel at ${sentinel.host}:${sentinel.port} knows no ${sentinelName}`);
    } catch (thrown) {
      last = thrown;
    } finally {
      if (client.isOpen) client.destroy();
    }
  }
  throw last instanceof Error ? last : new Error('no sentinel answers');
}
