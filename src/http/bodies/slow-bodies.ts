import type { Socket } from 'node:net';

/**
 * Connections on which a body comes that may take longer than a request otherwise may: whoever reads it watches that it goes on. Node's own
 * limit is for all requests alike, and is told once for each.
 */
export const slowBodies = new WeakSet<Socket>();
