import type * as CommandLine from './command-line';
import type * as Serve from './serve';
import type * as Move from './storage/move/move-command';

/*
 * All that main.ts loads, in a file of its own when it is built: reading it takes a while in which no signal would be heard. Written with
 * `require`, for each is loaded when it is asked for, and at once.
 */

/**
 * What takes long to load, in turns: only between turns of the event loop a signal is heard. One that is missing here is loaded all the
 * same, with whoever needs it. `reflect-metadata` has to be the first.
 */
export const pieces: readonly (() => unknown)[] = [
  () => require('reflect-metadata') as unknown,
  () => require('rxjs') as unknown,
  () => require('class-validator') as unknown,
  () => require('@nestjs/common') as unknown,
  () => require('@nestjs/core') as unknown,
  () => require('fastify') as unknown,
  () => require('./app.module') as unknown,
];

export const serving = () => require('./serve') as typeof Serve;

export const commandLine = () => require('./command-line') as typeof CommandLine;

export function moving(): typeof Move {
  require('reflect-metadata');
  return require('./storage/move/move-command') as typeof Move;
}
