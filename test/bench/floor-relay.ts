import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenAndSay } from './child-server';

/*
 * What any relay on Node costs. Arguments: the engine's URL; `pipe` hands its bytes on without a look, `reframe` parses each
 * token out of the engine's frames and writes one of its own.
 */

const [engine = '', kind = 'pipe'] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

function reframe(upstream: IncomingMessage, response: ServerResponse): void {
  let rest = '';
  let sent = 0;
  upstream.setEncoding('utf8').on('data', (text: string) => {
    const frames = (rest + text).split('\n\n');
    rest = frames.pop() ?? '';
    let out = '';
    for (const frame of frames) {
      const { content, stop } = JSON.parse(frame.slice('data: '.length)) as { content: string; stop: boolean };
      out += stop
        ? 'event: end\ndata: {"stop":true}\n\n'
        : `id: ${sent}\nevent: token\ndata: {"i":${sent++},"t":${JSON.stringify(content)}}\n\n`;
    }
    if (out !== '') response.write(out);
  });
  upstream.on('end', () => response.end());
}

listenAndSay(
  createServer((asked, response) => {
    const upstream = request(
      engine + (asked.url ?? ''),
      { method: asked.method, headers: asked.headers, agent },
      answer => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        if (kind === 'pipe') answer.pipe(response);
        else reframe(answer, response);
      },
    );
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    asked.pipe(upstream);
  }),
);
