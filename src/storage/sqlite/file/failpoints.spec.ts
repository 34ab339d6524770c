import type * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../../test/support/temporary-folder';
import type * as failpoints from './failpoints';

const folder = temporaryFolder();

afterEach(() => {
  vi.doUnmock('node:fs');
  vi.unstubAllEnvs();
  vi.resetModules();
  folder.remove();
});

it('what is let go while it is looked at is not held, and does not fail', async () => {
  const hold = join(folder.path, 'before-log');
  const actual = await vi.importActual<typeof fs>('node:fs');
  const readFileSync = (...args: Parameters<typeof fs.readFileSync>) => {
    actual.rmSync(hold);
    return actual.readFileSync(...args);
  };
  vi.doMock('node:fs', () => ({ ...actual, readFileSync }));
  vi.stubEnv('JOURNAL_FAILPOINT', `hold=${folder.path}`);
  vi.resetModules();
  const { failpointLater } = await vi.importActual<typeof failpoints>('./failpoints');
  actual.writeFileSync(hold, 'end');
  await failpointLater('before-log', [{ kind: 'end' }]);
  expect(actual.existsSync(`${hold}.reached`)).toBe(false);
});
