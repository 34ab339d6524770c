import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventSource } from 'eventsource';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../crash/random';
import { startEngine, type RunningEngine } from '../engine/engine';
import { hasChromium, launchChromium } from '../support/chromium';
import { startCuttingProxy, type CuttingProxy } from '../support/cutting-proxy';
import { withDeadline, LAST_RESORT_MS } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import { TaskClient, tokenIndexes, upTo, wireOf } from '../support/task-client';

/* Clients that nobody wrote for this service: they come back by themselves, lose nothing, and stop at the end. */

const TOKENS = 400;
const CUTS = 5;
/** Cuts come a second apart, which is how long a client waits before it comes back. */

let engine: RunningEngine;
let service: RunningService;
let tasks: TaskClient;
let proxy: CuttingProxy;

beforeAll(async () => {
  engine = await startEngine({ slots: 4, tokensPerSecond: 80 });
  service = await startService({ env: { ORCHD_LLAMACPP_URL: engine.url } });
  tasks = new TaskClient(service);
  await tasks.slotsFree(4);
});
afterAll(async () => {
  await service.stop();
  await engine.stop();
});

beforeEach(async () => {
  const seed = Date.now() % 1_000_000;
  const random = new Random(seed);
  // The answer's head has some 500 bytes, an event 50: the first cut is in a head, the others are anywhere behind it.
  const cuts = [100, ...Array.from({ length: CUTS - 1 }, () => 600 + random.below(3000))];
  process.stdout.write(`cuts after ${cuts.join(', ')} bytes (seed ${seed})\n`);
  proxy = await startCuttingProxy(service.url, cuts);
});
afterEach(() => proxy.stop());

/** What the client got against what a reader got whose connection held. */
async function expectWhole(taskId: string, received: readonly string[]): Promise<void> {
  const { events } = await tasks.read(taskId);
  expect(tokenIndexes(events)).toEqual(upTo(TOKENS));
  expect(received).toEqual(wireOf(events));
  expect(proxy.cutsLeft).toEqual([]);
  expect(proxy.connections).toBeGreaterThan(CUTS);
}

const types = ['started', 'token', 'metrics', 'end', 'error'];

describe('the npm package eventsource', () => {
  it(
    'reads every event once over a connection that is cut, and stops at the end',
    { timeout: LAST_RESORT_MS + 10_000 },
    async () => {
      const taskId = await tasks.submit({ max_tokens: TOKENS });
      const received: string[] = [];
      const source = new EventSource(`${proxy.url}/v2/tasks/${taskId}/events`, {
        fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, 'X-API-Key': service.apiKey } }),
      });
      const closed = new Promise<number | undefined>(resolve => {
        source.addEventListener('error', ({ code }) => {
          if (source.readyState === EventSource.CLOSED) resolve(code);
        });
      });
      for (const type of types) {
        source.addEventListener(type, ({ lastEventId, data }) => {
          if (typeof data === 'string') received.push(`${lastEventId} ${type} ${data}`);
        });
      }
      try {
        expect(await withDeadline(closed, LAST_RESORT_MS, () => `${received.length} events, not closed`)).toBe(204);
      } finally {
        source.close();
      }
      await expectWhole(taskId, received);
    },
  );
});

describe.runIf(hasChromium())("a browser's EventSource", () => {
  let sameOrigin: Server;

  /** What has to stand before the service for a browser: the page's own origin, adding the key that a page cannot send. */
  beforeAll(async () => {
    sameOrigin = createServer((request, response) => {
      if (request.url === '/') {
        response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>reader</title>');
        return;
      }
      const headers = { ...request.headers, 'x-api-key': service.apiKey };
      const onward = httpRequest(`${proxy.url}${request.url}`, { headers, agent: false });
      onward.on('response', answer => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      });
      onward.on('error', () => response.destroy());
      response.on('close', () => onward.destroy());
      onward.end();
    });
    await new Promise<void>(resolve => sameOrigin.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    const closed = new Promise(resolve => sameOrigin.close(resolve));
    sameOrigin.closeAllConnections();
    await closed;
  });

  it(
    'reads every event once over a connection that is cut, and stops at the end',
    { timeout: LAST_RESORT_MS + 30_000 },
    async () => {
      const browser = await launchChromium();
      try {
        const page = await browser.newPage();
        await page.goto(`http://127.0.0.1:${(sameOrigin.address() as AddressInfo).port}/`);
        const taskId = await tasks.submit({ max_tokens: TOKENS });
        // Runs in the page, as text: its globals are not ours.
        await page.evaluate(`
        received = [];
        source = new EventSource('/v2/tasks/${taskId}/events');
        for (const type of ${JSON.stringify(types)}) {
          source.addEventListener(type, ({ lastEventId, data }) => {
            if (data !== undefined) received.push(lastEventId + ' ' + type + ' ' + data);
          });
        }`);
        await page.waitForFunction('source.readyState === EventSource.CLOSED', undefined, { timeout: LAST_RESORT_MS });
        await expectWhole(taskId, await page.evaluate<string[]>('received'));
      } finally {
        await browser.close();
      }
    },
  );
});
