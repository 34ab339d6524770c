import { createClient } from '@redis/client';
import type { Random } from '../crash/random';
import type { Fleet, Node } from './fleet';
import { pause } from './nodes-client';

/** What befalls a node, or all of them; resolves once it is over. */
export interface Fault {
  readonly name: string;
  readonly strike: (fleet: Fleet, node: Node, random: Random) => Promise<void>;
}

export const faults: readonly Fault[] = [
  {
    name: 'kill -9',
    strike: async (fleet, node, random) => {
      const { service } = node;
      node.service = undefined;
      await service?.stop('SIGKILL');
      await pause(random.below(3000));
      await fleet.startNode(node);
    },
  },
  {
    name: 'SIGSTOP',
    strike: async (_, { service }, random) => {
      service?.signal('SIGSTOP');
      await pause(5000 + random.below(25_000));
      service?.signal('SIGCONT');
    },
  },
  {
    name: 'cut off',
    strike: async (_, { proxy }, random) => {
      proxy.cut();
      await pause(1000 + random.below(15_000));
      proxy.mend();
    },
  },
  {
    name: 'CLIENT KILL of all',
    strike: fleet => onStore(fleet, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']),
  },
  {
    name: 'slow script',
    strike: fleet =>
      onStore(fleet, [
        'EVAL',
        "local till = redis.call('TIME')[1] + 2 while redis.call('TIME')[1] + 0 < till do end",
        '0',
      ]),
  },
  {
    name: 'SIGTERM',
    strike: async (fleet, node) => {
      const { service } = node;
      node.service = undefined;
      await service?.stop('SIGTERM', 30_000);
      await fleet.startNode(node);
    },
  },
];

export async function onStore<T = void>({ redis }: Fleet, command: readonly string[]): Promise<T> {
  const client = createClient({ url: redis.url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}
