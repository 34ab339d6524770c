import { parseArgs } from 'node:util';
import { latencyOf } from '../bench/figures';
import { wireNames, type WireName } from '../engine/engine-options';
import { LeavingClients, stages } from './leaving';

/**
 * Clients that leave, so many at each stage of a request, with each engine's API behind: nothing of theirs may be left running, no slot
 * may be lost.
 *
 * Usage: npm run test:leave -- [--times 200] [--wires llamacpp,vllm,ollama]
 */

const { values } = parseArgs({
  options: { times: { type: 'string', default: '200' }, wires: { type: 'string', default: 'llamacpp,vllm,ollama' } },
});

const columns = [10, 14, 6, 9, 8, 11, 9, 9];
const line = (cells: readonly (string | number)[]) =>
  process.stdout.write(`${cells.map((cell, at) => String(cell).padEnd(columns[at] ?? 0)).join('')}\n`);

async function main(): Promise<void> {
  const wires = values.wires.split(',').map(wire => wireNames.find(name => name === wire) ?? unknownWire(wire));
  line(['engine', 'stage', 'left', 'running', 'leaked', 'otherwise', 'p50 ms', 'p99 ms']);
  for (const wire of wires) {
    const clients = await LeavingClients.of(wire);
    try {
      for (const stage of stages) {
        const { left, running, leaked, otherwise, abortMs } = await clients.leave(stage, Number(values.times));
        const { p50Ms, p99Ms } = latencyOf(abortMs);
        line([wire, stage, left, running, leaked, otherwise, p50Ms.toFixed(1), p99Ms.toFixed(1)]);
        if (running + leaked + otherwise > 0) process.exitCode = 1;
      }
    } finally {
      await clients.close();
    }
  }
}

function unknownWire(wire: string): WireName {
  throw new Error(`there is no engine ${wire}, only ${wireNames.join(', ')}`);
}

void main();
