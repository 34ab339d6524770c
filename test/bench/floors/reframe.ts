import { createHash } from 'node:crypto';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { announce } from './announce';

/**
 * The second line of reference for a relay: each frame of the engine parsed, counted, hashed, and written in a frame of ours,
 * as plainly as core HTTP allows. No admission, queue, journal, metrics or transcript.
 *
 * Usage: reframe.ts ENGINE_PORT
 */
const enginePort = Number(process.argv[2]);
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

announce(
  createServer((request, response) => {
    const { method, url: path, headers } = request;
    const upstream = httpRequest({ host: '127.0.0.1', port: enginePort, path, method, headers, agent }, answer => {
      const hash = createHash('sha256');
      let [seq, rest] = [0, ''];
      response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-cache' });
      answer.on('error', () => response.destroy());
      answer.setEncoding('utf8');
      answer.on('data', (text: string) => {
        const frames = (rest + text).split('\n\n');
        rest = frames.pop() ?? '';
        let out = '';
        for (const frame of frames) {
          const { content, stop } = JSON.parse(frame.slice('data: '.length)) as { content: string; stop: boolean };
          const data = stop ? `{"tokens_out":${seq}}` : `{"i":${seq},"t":${JSON.stringify(content)}}`;
          hash.update(data);
          out += `id: ${++seq}\nevent: ${stop ? 'end' : 'token'}\ndata: ${data}\n\n`;
        }
        response.write(out);
      });
      answer.on('end', () => response.end(`: ${hash.digest('hex')}\n\n`));
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  }),
);
