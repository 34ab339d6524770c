import { randomUUID } from 'node:crypto';
import { constants, openSync, rmSync, write, writeSync } from 'node:fs';
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { announce } from './announce';

/**
 * A bare server of durable tasks on core HTTP: a `POST` that is answered once it is on the disk, with the engine asked meanwhile; a `GET` of
 * its events that is answered once these are on the disk. One log, written and synced for all that wait. No queue, keys, checks, budgets,
 * predictions, metrics, log lines or recovery after a restart, and only tasks whose whole output is read before any of it is shown.
 *
 * Usage: durable.ts ENGINE_PORT FOLDER
 */
const enginePort = Number(process.argv[2]);
const folder = process.argv[3] ?? '.';
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

/** Written over and over, so that a sync writes no length. */
const LOG_BYTES = 16 * 1024 * 1024;

class Log {
  private readonly file: number;
  private text = '';
  private waiting: (() => void)[] = [];
  private isWriting = false;
  private position = 0;

  constructor(path: string) {
    this.file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_DSYNC, 0o600);
    writeSync(this.file, Buffer.alloc(LOG_BYTES), 0, LOG_BYTES, 0);
    // Nobody else opens it.
    rmSync(path);
  }

  /** Calls `done` once the line is on the disk. */
  append(line: string, done: () => void): void {
    this.text += `${line}\n`;
    this.waiting.push(done);
    if (!this.isWriting) this.write();
  }

  private write(): void {
    const bytes = Buffer.from(this.text);
    const { waiting } = this;
    [this.text, this.waiting, this.isWriting] = ['', [], true];
    if (this.position + bytes.length > LOG_BYTES) this.position = 0;
    write(this.file, bytes, 0, bytes.length, this.position, error => {
      if (error) throw error;
      this.isWriting = false;
      if (this.waiting.length > 0) this.write();
      for (const done of waiting) done();
    });
    this.position += bytes.length;
  }
}

interface Task {
  frames: string | undefined;
  reader: ServerResponse | undefined;
}

const log = new Log(join(folder, `durable-${randomUUID()}`));
const tasks = new Map<string, Task>();

announce(
  createServer((request, response) => {
    if (request.method === 'GET') return read(request.url?.split('/')[3] ?? '', response);
    textOf(request, body => submit(body, response));
  }),
);

function submit(body: string, response: ServerResponse): void {
  const {
    task_id: id,
    prompt,
    max_tokens: tokens,
  } = JSON.parse(body) as {
    task_id: string;
    prompt: string;
    max_tokens: number;
  };
  const task: Task = { frames: undefined, reader: undefined };
  tasks.set(id, task);
  log.append(body, () => {
    const answer = JSON.stringify({ task_id: id, queue_position: 0, predicted_start_ms: 0 });
    response.writeHead(202, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(answer) });
    response.end(answer);
  });
  ask(JSON.stringify({ prompt, n_predict: tokens, stream: true }), output => {
    const frames = framesOf(output);
    log.append(JSON.stringify([id, frames]), () => {
      task.frames = frames;
      task.reader?.end(frames);
      if (task.reader) tasks.delete(id);
    });
  });
}

function read(id: string, response: ServerResponse): void {
  const task = tasks.get(id);
  response.writeHead(task ? 200 : 404, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache',
  });
  if (task && task.frames === undefined) {
    task.reader = response;
    return;
  }
  response.end(task?.frames);
  tasks.delete(id);
}

function ask(body: string, then: (output: string) => void): void {
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const options = { host: '127.0.0.1', port: enginePort, path: '/completion', method: 'POST', headers, agent };
  httpRequest(options, answer => textOf(answer, then)).end(body);
}

function framesOf(output: string): string {
  let [frames, seq] = ['', 0];
  for (const frame of output.split('\n\n')) {
    if (frame === '') continue;
    const { content, stop } = JSON.parse(frame.slice('data: '.length)) as { content: string; stop: boolean };
    const data = stop ? `{"tokens_out":${seq}}` : `{"i":${seq},"t":${JSON.stringify(content)}}`;
    frames += `id: ${++seq}\nevent: ${stop ? 'end' : 'token'}\ndata: ${data}\n\n`;
  }
  return frames;
}

function textOf(message: IncomingMessage, then: (text: string) => void): void {
  let text = '';
  message.setEncoding('utf8');
  message.on('data', (piece: string) => (text += piece));
  message.on('end', () => then(text));
}
