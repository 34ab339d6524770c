import type { Socket } from 'node:net';
import type { MeasuredResponse } from './measured-response';

const queues = new WeakMap<Socket, Set<MeasuredResponse>>();

/**
 * The answer to a pipelined request waits for those before it. Where its connection closes meanwhile Node tells nobody, so that what is held for the
 * answer would be held for good: here it is closed with it.
 */
export function closeWithConnection(answer: MeasuredResponse): void {
  // It has the connection: Node sees to it.
  if (answer.socket) return;
  const queue = queueOf(answer.req.socket);
  queue.add(answer);
  answer.once('close', () => queue.delete(answer));
}

/** One listener, however many wait. */
function queueOf(socket: Socket): Set<MeasuredResponse> {
  const known = queues.get(socket);
  if (known) return known;
  const queue = new Set<MeasuredResponse>();
  queues.set(socket, queue);
  socket.once('close', () => {
    for (const answer of queue) if (!answer.socket) answer.lose();
  });
  return queue;
}
