import type Database from 'better-sqlite3';
import { createRequire } from 'node:module';
import { JournalError } from './journal-error';

/**
 * The version of Node-API that the binary in better-sqlite3 13 is made for; Node has it from 22.14 on. Older ones run
 * version 12, which is compiled (tools/native.mjs) and must not run on Node 24: there it aborts the process when a thread
 * ends that has used it. See docs/decisions, "SQLite: two versions of its driver".
 */
const NODE_API_OF_SHIPPED_BINARY = 10;

/** The package, by its name in package.json, for a Node with this version of Node-API. */
export function driverFor(nodeApi: number): 'better-sqlite3' | 'better-sqlite3-13' {
  return nodeApi >= NODE_API_OF_SHIPPED_BINARY ? 'better-sqlite3-13' : 'better-sqlite3';
}

let driver: typeof Database | undefined;

/**
 * Opens a database with the driver for the Node at hand. From the packages themselves only types may be imported.
 * @throws JournalError UNUSABLE where that driver is not installed
 */
export function openDatabase(path: string, options?: Database.Options): Database.Database {
  driver ??= load(driverFor(Number(process.versions.napi)));
  return new driver(path, options);
}

function load(name: string): typeof Database {
  try {
    const loaded = createRequire(__filename)(name) as typeof Database;
    new loaded(':memory:').close(); // Only now it looks for its binary.
    return loaded;
  } catch (cause) {
    const { node } = process.versions;
    const message = `${name}, which Node ${node} needs, is not installed for it: run "npm ci" and "npm run build" with this Node.`;
    throw new JournalError('UNUSABLE', message, cause);
  }
}
