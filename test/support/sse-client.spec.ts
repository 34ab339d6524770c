import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEvents, readEvents } from './sse-client';

let server: Server;
let url: string;
let answer: (response: ServerResponse, lastEventId: string | undefined) => void;
let closed: Promise<void>;

beforeEach(async () => {
  server = createServer((request, response) => {
    closed = new Promise(resolve => response.on('close', resolve));
    answer(response, request.headers['last-event-id'] as string | undefined);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function stream(response: ServerResponse, text: string): void {
  if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  response.write(text);
}

describe('readEvents', () => {
  it('reads to the end: events, comments, retry, the id that was asked for', async () => {
    answer = (response, lastEventId) => {
      stream(
        response,
        `retry: 700\n: hello\n\nevent: token\nid: 5\ndata: {"t":"é","i":${lastEventId}}\n\ndata: plain\n\n`,
      );
      response.end();
    };
    const reading = await readEvents(url, { lastEventId: '4' });
    expect(reading).toMatchObject({ status: 200, retryMs: 700, comments: ['hello'], ended: true, body: '' });
    expect(reading.events).toMatchObject([
      { type: 'token', id: '5', data: { t: 'é', i: 4 } },
      { type: 'message', text: 'plain', data: undefined },
    ]);
  });

  it('leaves at the event it was told, and closes the connection', async () => {
    answer = response => stream(response, 'data: 1\n\ndata: 2\n\ndata: 3\n\n');
    const { events, ended } = await readEvents(url, { until: ({ data }) => data === 2 });
    expect(events[1]?.data).toBe(2);
    expect(ended).toBe(false);
    await closed;
  });

  it('gives the body of an answer that is no stream', async () => {
    answer = response => response.writeHead(404, { 'Content-Type': 'application/json' }).end('{"code":"NO"}');
    expect(await readEvents(url)).toMatchObject({ status: 404, body: '{"code":"NO"}', events: [] });
  });

  it('rejects where the stream breaks off, and where it does not come to an end in time', async () => {
    answer = response => {
      stream(response, 'data: 1\n\n');
      setImmediate(() => response.destroy());
    };
    await expect(readEvents(url)).rejects.toThrow('broke off');
    answer = response => stream(response, 'data: 1\n\n');
    await expect(readEvents(url, { deadlineMs: 100 })).rejects.toThrow('1 events, the last: message 1');
    await closed;
    answer = () => undefined;
    await expect(readEvents(url, { deadlineMs: 100 })).rejects.toThrow('did not answer');
    await closed;
  });
});

describe('openEvents', () => {
  it('waits for events past and to come, and is left at will', async () => {
    let response: ServerResponse | undefined;
    answer = opened => {
      response = opened;
      stream(opened, 'data: 1\n\n');
    };
    const events = await openEvents(url);
    expect(await events.event(({ data }) => data === 1)).toMatchObject({ data: 1 });
    const second = events.event(({ data }) => data === 2);
    if (response) stream(response, 'data: 2\n\n');
    expect(await second).toMatchObject({ data: 2 });
    const never = events.event(({ data }) => data === 3);
    events.close();
    await expect(never).rejects.toThrow('closed');
    await closed;
  });
});
