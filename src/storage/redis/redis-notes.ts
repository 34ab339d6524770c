import { Injectable } from '@nestjs/common';
import { Notes } from '../../tasks/journal/notes.port';
import { Store } from './connection/store';
import { fieldsOf } from './task-fields';

/** One for all nodes: who saves last has the say. */
@Injectable()
export class RedisNotes extends Notes {
  constructor(private readonly store: Store) {
    super();
  }

  async recovered(): Promise<ReadonlyMap<string, string>> {
    return fieldsOf(await this.store.call('HGETALL', this.key)) ?? new Map();
  }

  async save(name: string, text: string): Promise<void> {
    await this.store.call('HSET', this.key, name, text);
  }

  private get key(): string {
    return `${this.store.prefix}:notes`;
  }
}
