import { Subscription } from 'rxjs';
import { expect, it } from 'vitest';
import { eventFrame } from '../../tasks/events/sse-frame';
import { RenderedFeed } from './rendered-feed';
import type { Rendering } from './rendering';

const rendering: Rendering = {
  opening: () => '',
  keepAlive: () => '',
  of: ({ data }) => JSON.stringify(JSON.parse(data)),
  fault: ({ code }) => `<${code}>`,
};

it('an event that cannot be shown ends the stream with a fault, after what came before it, and is told', async () => {
  const frames = Buffer.from(eventFrame(1, 'token', '{}') + eventFrame(2, 'delta', '{') + eventFrame(3, 'token', '{}'));
  const told: unknown[] = [];
  const events = {
    follow: () => new Subscription(),
    read: () => ({ frames, lastSeq: 3, terminal: false }),
  };
  const feed = new RenderedFeed(events, rendering, cause => told.push(cause));
  const read = await feed.read(0, 1000);
  expect([read?.frames.toString(), read?.terminal, feed.hasEnded]).toEqual(['{}<INTERNAL>', true, false]);
  expect(told).toEqual([expect.any(SyntaxError)]);
});
