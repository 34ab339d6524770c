import type Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../file/driver';
import { migrate } from './migrations';

let db: Database.Database;
beforeEach(() => void (db = openDatabase(':memory:')));
afterEach(() => void db.close());

const first = 'CREATE TABLE a (x INTEGER);';
const second = 'ALTER TABLE a ADD COLUMN y TEXT;';

it('takes the steps that are missing, and none twice', () => {
  migrate(db, [first]);
  db.exec('INSERT INTO a VALUES (1)');
  migrate(db, [first, second]);
  migrate(db, [first, second]);
  expect(db.prepare('SELECT x, y FROM a').all()).toEqual([{ x: 1, y: null }]);
  expect(db.pragma('user_version', { simple: true })).toBe(2);
});

it('leaves the journal at its version when a step fails', () => {
  migrate(db, [first]);
  expect(() => migrate(db, [first, 'CREATE TABLE b (x); CREATE TABLE a (x);'])).toThrow('already exists');
  expect(db.pragma('user_version', { simple: true })).toBe(1);
  expect(db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'b'").pluck().get()).toBe(0);
});

it('refuses a journal of a newer version', () => {
  migrate(db, [first, second]);
  expect(() => migrate(db, [first])).toThrow(expect.objectContaining({ fault: 'NEWER' }));
});

it("refuses another program's file, and one whose definitions were changed", () => {
  const foreign = openDatabase(':memory:');
  foreign.exec('CREATE TABLE theirs (x)');
  expect(() => migrate(foreign)).toThrow(expect.objectContaining({ fault: 'UNREADABLE' }));
  foreign.close();
  migrate(db, [first]);
  db.exec('ALTER TABLE a RENAME TO b');
  expect(() => migrate(db, [first])).toThrow(expect.objectContaining({ fault: 'UNREADABLE' }));
});

it('bears a table that is not its own', () => {
  migrate(db, [first]);
  db.exec('CREATE TABLE lost_and_found (x)');
  expect(() => migrate(db, [first])).not.toThrow();
});
