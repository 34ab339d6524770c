import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { Config } from '../config/config';
import { ServiceError } from '../errors/service-error';
import type { Lifecycle } from '../lifecycle/lifecycle';
import type { FileContents } from './file-contents.port';
import type { FileRecords } from './file-records';
import { UploadsService } from './uploads.service';

const form = [
  ...['--b', 'Content-Disposition: form-data; name="purpose"', '', 'batch'],
  ...['--b', 'Content-Disposition: form-data; name="file"; filename="a"', '', 'content', '--b--', ''],
].join('\r\n');

it('an upload that was refused because it was not known to be durable leaves no file that has no content', async () => {
  const [recorded, held] = [new Set<string>(), new Set<string>()];
  const records = {
    count: async () => 0,
    insert: async ({ id }: { id: string }) => {
      recorded.add(id);
      throw new ServiceError('STORAGE_UNAVAILABLE');
    },
    remove: async (id: string) => recorded.delete(id),
  } as unknown as FileRecords;
  const contents = {
    draft: async (id: string) => ({
      bytes: 7,
      append: async () => undefined,
      keep: async () => void held.add(id),
      abandon: async () => undefined,
    }),
    remove: async (id: string) => void held.delete(id),
  } as unknown as FileContents;
  const lifecycle = { assertReady: () => undefined } as Lifecycle;
  const config = { filesMax: 1, fileMaxBytes: 1000 } as Config;
  const uploads = new UploadsService(config, contents, records, lifecycle);
  const facts = { headers: { 'content-type': 'multipart/form-data; boundary=b' }, socket: {}, complete: true };
  const request = Object.assign(Readable.from([Buffer.from(form)]), facts) as unknown as IncomingMessage;
  const received = uploads.receive(request, {} as ServerResponse);
  await expect(received).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  expect([recorded.size, held.size]).toEqual([0, 0]);
});
