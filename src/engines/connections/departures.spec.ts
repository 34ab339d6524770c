import { beforeEach, describe, expect, it } from 'vitest';
import { TurnByHand } from '../../../test/support/turn-by-hand';
import { Departures } from './departures';
import type { Exchange } from './engine-connection';

let turn: TurnByHand;
let departures: Departures;
let left: string[];
let faults: [string, unknown][];

beforeEach(() => {
  turn = new TurnByHand();
  departures = new Departures(turn);
  left = [];
  faults = [];
});

function add(name: string, send = (): Exchange => ({ abort: () => left.push(`${name} broken off`) })): Exchange {
  const silent = { onHead: () => undefined, onBody: () => undefined, onEnd: () => undefined };
  const leave = (): Exchange => {
    left.push(name);
    return send();
  };
  return departures.add(leave, { ...silent, onFault: cause => faults.push([name, cause]) });
}

describe('Departures', () => {
  it('leave in their order at the end of the turn', () => {
    add('a');
    add('b');
    expect(left).toEqual([]);
    turn.end();
    expect(left).toEqual(['a', 'b']);
    add('c');
    turn.end();
    expect(left).toEqual(['a', 'b', 'c']);
  });

  it('leave before the end of the turn where a ninth would wait', () => {
    for (const name of 'abcdefgh') add(name);
    expect(left).toEqual([]);
    add('i');
    expect(left.join('')).toBe('abcdefgh');
    turn.end();
    expect(left.join('')).toBe('abcdefghi');
  });

  it('do not leave once they are given up', () => {
    const a = add('a');
    add('b');
    a.abort();
    turn.end();
    expect(left).toEqual(['b']);
    expect(faults).toEqual([]);
  });

  it('are broken off once they have left', () => {
    const a = add('a');
    turn.end();
    a.abort();
    expect(left).toEqual(['a', 'a broken off']);
  });

  it('tell why they could not leave, and keep no other from leaving', () => {
    const cause = new Error('no such authority');
    for (const name of 'abcdefgh') {
      add(name, () => {
        throw cause;
      });
    }
    // Only the ninth sends the eight before it: none of them is told anything while it is added itself.
    expect(faults).toEqual([]);
    add('i');
    expect(faults).toEqual([...'abcdefgh'].map(name => [name, cause]));
    turn.end();
    expect(left.join('')).toBe('abcdefghi');
  });

  it('are told why where they are cancelled, but for those given up', () => {
    const cause = new Error('the service stops');
    add('a').abort();
    add('b');
    departures.cancel(cause);
    turn.end();
    expect(left).toEqual([]);
    expect(faults).toEqual([['b', cause]]);
  });

  it('take along what is asked for when one is told that it could not leave', () => {
    departures.add(
      () => {
        throw new Error('not that way');
      },
      { onHead: () => undefined, onBody: () => undefined, onEnd: () => undefined, onFault: () => void add('again') },
    );
    turn.end();
    expect(left).toEqual(['again']);
  });
});
