import { afterEach, beforeEach, vi } from 'vitest';
import type { Binding } from '../../src/pools/registry/pool';
import { PoolsNode, settle } from './pools-node';
import { describeOverStore, openStore, type OpenStore } from './redis-store';

/** A replica `r` of pool `p`, as a worker registers it. */
export const worker = (more: Partial<Binding> = {}): Binding => ({
  ...{ poolId: 'p', replicaId: 'r', engine: 'llamacpp', source: 'worker', url: 'http://one' },
  ...more,
});

/** The pools of nodes over one store, whose timers a test moves on. */
export class PoolsNodes {
  readonly all: PoolsNode[] = [];
  a!: PoolsNode;
  b!: PoolsNode;
  opened!: OpenStore;

  async begin(opened: OpenStore): Promise<void> {
    this.opened = opened;
    const second = await opened.another();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
    [this.a, this.b] = [await this.started(opened, 'a'), await this.started(second, 'b')];
  }

  async stop(): Promise<void> {
    for (const node of this.all.splice(0)) await node.stop();
    vi.useRealTimers();
  }

  async started({ store }: OpenStore, nodeId: string): Promise<PoolsNode> {
    const node = new PoolsNode(store, nodeId);
    this.all.push(node);
    await node.start();
    await this.settle();
    return node;
  }

  settle(): Promise<void> {
    return settle(this.all);
  }

  async allLook(): Promise<void> {
    await this.settle();
    for (const node of this.all) await node.look();
    await this.settle();
  }

  /** Of what is begun, which goes on once that is known. */
  async allHear(): Promise<void> {
    await this.allLook();
    await this.allLook();
  }

  async passes(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
    await this.settle();
  }
}

/** Over a store of their own, two nodes for each test. */
export function describePoolsOfNodes(name: string, tests: (nodes: PoolsNodes) => void): void {
  describeOverStore(name, server => {
    const nodes = new PoolsNodes();
    beforeEach(async () => nodes.begin(await openStore(server())));
    afterEach(() => nodes.stop());
    tests(nodes);
  });
}
