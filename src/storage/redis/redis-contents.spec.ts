import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { fileContentsContract } from '../../../test/contracts/file-contents.contract';
import { describeOverStore, openStore } from '../../../test/support/redis-store';
import { RedisContents } from './redis-contents';

const MAX_BYTES = 4 * 1024 * 1024;
const HOUR_MS = 3_600_000;

describeOverStore('over a store', server => {
  async function opened(): Promise<Awaited<ReturnType<typeof openStore>> & { contents: RedisContents }> {
    const found = await openStore(server(), { ORCHD_FILES_MAX_BYTES: String(MAX_BYTES) });
    return { ...found, contents: new RedisContents(found.config, found.store) };
  }

  fileContentsContract('RedisContents', async () => {
    const { contents, another } = await opened();
    const reopen = async (): Promise<RedisContents> => {
      const { config, store } = await another();
      return new RedisContents(config, store);
    };
    return { contents, maxBytes: MAX_BYTES, reopen };
  });

  describe('RedisContents', () => {
    it('leaves nothing of what is removed, and no room behind what is kept', async () => {
      const { contents, store } = await opened();
      for (let at = 0; at < 200_000; at += 1000) await contents.append('file-a', at, Buffer.alloc(1000, 'x'));
      const used = Number(await store.call('MEMORY', 'USAGE', `${store.prefix}:fp:file-a:0`));
      expect(used).toBeLessThan(66_000);
      await (await contents.draft('file-b')).append(Buffer.alloc(100_000));
      for (const id of ['file-a', 'file-b']) await contents.remove(id);
      expect(await store.call('KEYS', `${store.prefix}:f*`)).toEqual([`${store.prefix}:fb`]);
      expect(await store.call('GET', `${store.prefix}:fb`)).toBe('0');
    });

    it('tells of a file as a stray only when no node may be making its record any more (B-FIL-004)', async () => {
      const { contents, store } = await opened();
      await contents.append('file-a', 0, Buffer.from('x'));
      expect(await contents.ids()).toEqual([]);
      await store.call('ZINCRBY', `${store.prefix}:fk`, String(-HOUR_MS), 'file-a');
      expect(await contents.ids()).toEqual(['file-a']);
    });

    it('drops what a node has left of a draft, beside a new one (B-FIL-004)', async () => {
      const { contents, store } = await opened();
      for (const id of ['file-left', 'file-comes']) await (await contents.draft(id)).append(Buffer.alloc(70_000));
      await store.call('ZINCRBY', `${store.prefix}:fd`, String(-HOUR_MS), 'file-left');
      await contents.draft('file-new');
      // In the order of their calls: the drop was sent before this.
      expect(await store.call('EXISTS', `${store.prefix}:fc:file-left`, `${store.prefix}:fc:file-comes`)).toBe(1);
    });

    it('does not drop a draft that is kept in the moment in which it is found to be left (B-FIL-004)', async () => {
      const { contents, store } = await opened();
      const late = await contents.draft('file-late');
      await late.append(Buffer.from('whole'));
      await store.call('ZINCRBY', `${store.prefix}:fd`, String(-HOUR_MS), 'file-late');
      // On one connection: it is kept after it was found, and before it would be dropped.
      await Promise.all([contents.draft('file-new'), late.keep()]);
      expect((await contents.read('file-late', 0, 99)).toString()).toBe('whole');
    });

    it('removes files, and what is left of uploads, also when the store has no memory any more', async () => {
      const { contents, store } = await opened();
      await contents.append('file-a', 0, Buffer.alloc(200_000));
      const draft = await contents.draft('file-b');
      await draft.append(Buffer.alloc(200_000));
      await store.call('CONFIG', 'SET', 'maxmemory', '1');
      try {
        await expect(draft.append(Buffer.alloc(1))).rejects.toMatchObject({ code: 'STORAGE_FULL' });
        await draft.abandon();
        await contents.remove('file-a');
      } finally {
        await store.call('CONFIG', 'SET', 'maxmemory', '0');
      }
      expect(await store.call('KEYS', `${store.prefix}:f*`)).toEqual([`${store.prefix}:fb`]);
      expect(await store.call('GET', `${store.prefix}:fb`)).toBe('0');
    });

    it('cuts nothing off by a command that comes late, whatever was added since', async () => {
      const { contents, store } = await opened();
      await contents.append('file-a', 0, Buffer.from('kept torn'));
      const sent: Parameters<typeof store.runDurably>[] = [];
      const runDurably = store.runDurably.bind(store);
      store.runDurably = (...command) => (sent.push(command), runDurably(...command));
      await contents.truncate('file-a', 5);
      store.runDurably = runDurably;
      // As long as what was cut off, as the same results are, written once more.
      await contents.append('file-a', 5, Buffer.from('more'));
      for (const command of sent) await runDurably(...command);
      expect((await contents.read('file-a', 0, 99)).toString()).toBe('kept more');
      await contents.append('file-a', 9, Buffer.alloc(3));
      for (const command of sent) await runDurably(...command);
      expect(await contents.size('file-a')).toBe(12);
    });

    it('ends a stream whose file goes meanwhile by an error, not short', async () => {
      const { contents } = await opened();
      await contents.append('file-a', 0, Buffer.alloc(2_000_000));
      const found = await contents.stream('file-a');
      await contents.remove('file-a');
      await expect(buffer(found?.content ?? Readable.from([]))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    });
  });
});
