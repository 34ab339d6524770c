import { describe, expect, it } from 'vitest';
import { engineAddress, isSameEngine } from './engine-address';

describe('the address of an engine', () => {
  it.each([
    'http://gpu-1:80',
    'http://gpu-1',
    'http://GPU-1/',
    'HTTP://gpu-1///',
    'http://gpu-1:80/v1',
    'http://gpu-1/v1/',
  ])('%s has one spelling', text => {
    expect(engineAddress(text)).toBe('http://gpu-1');
  });

  it('keeps what makes it another one', () => {
    const others = ['https://gpu-1', 'http://gpu-1:8080', 'http://gpu-1/Engines/a', 'http://gpu-1/v10', 'http://gpu-2'];
    expect(others.map(engineAddress)).toEqual(others);
    expect(engineAddress('HTTPS://[::1]:443/Engines/A/v1')).toBe('https://[::1]/Engines/A');
  });

  it('leaves alone what the check of addresses refuses', () => {
    const bad = ['', 'x', 'ftp://a/', 'http://u:p@a/', 'http://a/?q', 'http://a/#f'];
    expect(bad.map(engineAddress)).toEqual(bad);
  });
});

describe('two addresses', () => {
  it.each([
    ['http://localhost:9090', 'http://127.0.0.1:9090'],
    ['http://localhost', 'http://[::1]'],
    ['https://localhost/Engines/a', 'https://127.0.0.1/Engines/a'],
    ['http://gpu-1', 'http://gpu-1'],
  ])('%s and %s are those of one engine', (one, other) => {
    expect([isSameEngine(one, other), isSameEngine(other, one)]).toEqual([true, true]);
  });

  it.each([
    ['http://localhost:9090', 'http://127.0.0.1:9091'],
    ['http://localhost.example', 'http://127.0.0.1.example'],
    ['http://127.0.0.1', 'http://[::1]'],
    ['https://localhost', 'http://127.0.0.1'],
  ])('%s and %s are not', (one, other) => {
    expect([isSameEngine(one, other), isSameEngine(other, one)]).toEqual([false, false]);
  });
});
