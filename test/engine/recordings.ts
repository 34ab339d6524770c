import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseHttpMessage, type HttpMessage } from '../support/http-message';

/** A response that a real llama.cpp server gave, by the name of its file. */
export function recorded(name: string): HttpMessage {
  return parseHttpMessage(readFileSync(resolve(__dirname, `../wire/llama-server/${name}.http`)), true);
}

/** What a server of that engine was asked, where it was more than a GET, and what it answered. */
export interface Recording {
  readonly body: string | undefined;
  readonly answer: HttpMessage;
}

export function recordingOf(engine: string, name: string): Recording {
  const file = resolve(__dirname, `../wire/recordings/${engine}/${name}`);
  const asked = `${file}.request.json`;
  return {
    body: existsSync(asked) ? readFileSync(asked, 'utf8').trimEnd() : undefined,
    answer: parseHttpMessage(readFileSync(`${file}.http`), true),
  };
}

/** What a message is made of, its figures and texts left out: to compare a stand-in's answer with a recorded one. */
export interface MessageShape {
  readonly status: number;
  /** In the order of the wire, with the values that do not differ from request to request. */
  readonly headers: readonly string[];
  readonly complete: boolean;
  /** Of a JSON body, or the JSON frames of each chunk; chunks that repeat the shape of the one before are left out. */
  readonly body: unknown;
}

/** Lists of numbers whose length is a matter of the text. */
const numberLists = new Set(['bytes', 'prompt_token_ids', 'context']);

const changing = new Set(['content-length', 'process-start-time-unix', 'date']);

export function shapeOfMessage({ status, headerLines, complete, body, chunks }: HttpMessage): MessageShape {
  return {
    status,
    headers: headerLines.map(([name, value]) => (changing.has(name.toLowerCase()) ? name : `${name}: ${value}`)),
    complete,
    body: chunks ? shapeOfChunks(chunks) : shapeOfJson(body),
  };
}

/** Member names in their order, and types. Two values of one shape give equal texts. */
function shapeOfJson(json: string): string {
  return /^[[{]/.test(json) ? JSON.stringify(shapeOf(JSON.parse(json))) : json;
}

function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.entries(value).map(([name, member]) => [
    name,
    numberLists.has(name) && Array.isArray(member) ? 'numbers' : shapeOf(member),
  ]);
}

function shapeOfChunks(chunks: readonly string[]): string[] {
  const shapes = chunks.map(chunk => {
    if (chunk.startsWith('{'))
      return chunk
        .split('\n')
        .map(line => shapeOfJson(line))
        .join('\n');
    if (!chunk.endsWith('\n\n')) throw new Error(`not a chunk of whole frames: ${chunk}`);
    const frames = chunk.slice(0, -2).split('\n\n');
    return frames.map(frame => frame.replace(/^data: (\{.*)$/s, (_, json: string) => shapeOfJson(json))).join('\n');
  });
  return shapes.filter((shape, at) => shape !== shapes[at - 1]);
}

/** A body that was recorded without its head: its text as it came. */
export function recordedBody(engine: string, file: string): string {
  return readFileSync(resolve(__dirname, `../wire/recordings/${engine}/${file}`), 'utf8').trimEnd();
}

/** Members and types of a JSON text, whatever their order: for recordings that were written down in an order of their own. */
export function shapeOfObject(json: string): unknown {
  const sorted = (shape: unknown): unknown =>
    Array.isArray(shape) ? shape.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : shape;
  return sorted(shapeOf(JSON.parse(json)));
}

/** The events of a stream, those left out that repeat the shape of the one before. */
export function shapeOfEvents(body: string): string[] {
  return shapeOfChunks(
    body
      .trimEnd()
      .split('\n\n')
      .map(event => `${event}\n\n`),
  );
}
