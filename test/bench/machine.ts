import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { driverFor } from '../../src/storage/sqlite/file/driver';
import { root } from './work-folder';

const PACKAGES = ['@nestjs/core', 'fastify', driverFor(Number(process.versions.napi)), 'pino'];

/** What the figures were measured on; nothing that names the machine. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() || 'unknown';
  return `${availableParallelism()} cores (${model}), ${Math.round(totalmem() / 2 ** 30)} GiB of memory, Linux ${release()}`;
}

/** Of Node and of what the measured paths run on. */
export function versions(): string {
  const packages = PACKAGES.map(name => `${name} ${versionOf(name)}`);
  return [`Node ${process.versions.node}`, ...packages].join(', ');
}

function versionOf(name: string): string {
  const file = join(root, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
