import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, it, vi } from 'vitest';
import { whenClosed } from './when-closed';

it('tells once that an answer is closed', () => {
  const response = Object.assign(new EventEmitter(), { closed: false });
  const then = vi.fn();
  whenClosed(response as unknown as ServerResponse, then);
  expect(then).not.toHaveBeenCalled();
  response.emit('close');
  response.emit('close');
  expect(then).toHaveBeenCalledTimes(1);
});

it('tells at once where it is closed already', () => {
  const response = Object.assign(new EventEmitter(), { closed: true });
  const then = vi.fn();
  whenClosed(response as unknown as ServerResponse, then);
  expect(then).toHaveBeenCalledTimes(1);
  response.emit('close');
  expect(then).toHaveBeenCalledTimes(1);
});
