import { Agent, createServer, request as httpRequest } from 'node:http';
import { announce } from './announce';

/**
 * The floor of a relay on Node: the engine's bytes to the client with core HTTP, nothing read.
 *
 * Usage: pipe.ts ENGINE_PORT
 */
const enginePort = Number(process.argv[2]);
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

announce(
  createServer((request, response) => {
    const { method, url: path, headers } = request;
    const upstream = httpRequest({ host: '127.0.0.1', port: enginePort, path, method, headers, agent }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  }),
);
