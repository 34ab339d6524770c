import { createServer, type ServerResponse } from 'node:http';
import { announce } from './announce';

/** The floor of an idle stream: what core HTTP itself keeps of a response that is held open, with the same heartbeat. */
const HEARTBEAT_MS = 15_000;
const open = new Set<ServerResponse>();

announce(
  createServer((request, response) => {
    if (request.url === '/healthz') {
      response.end('{"status":"ok"}');
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    response.write('retry: 1000\n\n');
    open.add(response);
    response.on('close', () => open.delete(response));
  }),
);

setInterval(() => {
  for (const response of open) response.write(': keep-alive\n\n');
}, HEARTBEAT_MS);
