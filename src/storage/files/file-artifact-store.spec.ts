import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { artifactStoreContract } from '../../../test/contracts/artifact-store.contract';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import { canonicalDocument } from '../../artifacts/canonical-json';
import { loadConfig } from '../../config/config';
import { Logger } from '../../observability/logger';
import { Narrator } from '../../observability/narrator';
import { Clock } from '../../time/clock';
import { FileArtifactStore } from './file-artifact-store';

const folders: TemporaryFolder[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

const MAX_BYTES = 1024 * 1024;

function folder(): string {
  const made = temporaryFolder();
  folders.push(made);
  return made.path;
}

async function open(dataDir: string, clock: Clock = new Clock(), lines: string[] = []): Promise<FileArtifactStore> {
  const { config } = loadConfig({ ORCHD_DATA_DIR: dataDir, ORCHD_ARTIFACTS_MAX_BYTES: String(MAX_BYTES) });
  const narrator = new Narrator(new Logger(config, { write: line => void lines.push(line) }));
  const store = new FileArtifactStore(config, clock, narrator);
  await store.onModuleInit();
  return store;
}

artifactStoreContract('FileArtifactStore', async () => {
  const dataDir = folder();
  let nowMs = 1_700_000_000_000;
  const clock = Object.assign(new Clock(), { wallMs: () => nowMs });
  return {
    store: await open(dataDir, clock),
    maxBytes: MAX_BYTES,
    advance: ms => void (nowMs += ms),
    nowMs: () => nowMs,
    reopen: () => open(dataDir, clock),
  };
});

describe('FileArtifactStore', () => {
  it('catches a damaged file when it is read, sets it aside and says so (B-ART-021)', async () => {
    const dataDir = folder();
    const doc = canonicalDocument({ precious: true });
    await (await open(dataDir)).put(doc, 'document');
    const shard = join(dataDir, 'artifacts', doc.id.slice(0, 2));
    const [name = ''] = readdirSync(shard);
    writeFileSync(join(shard, name), '{"precious":false}');
    const lines: string[] = [];
    const store = await open(dataDir, new Clock(), lines);
    await expect(store.get(doc.id)).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(lines.join()).toContain('artifact_damaged');
    expect(await store.get(doc.id)).toBeUndefined();
    expect(readdirSync(shard)).toEqual([`${name}.damaged`]);
    await store.put(doc, 'document');
    expect(await store.get(doc.id)).toBe(doc.json);
  });

  it('sweeps what a killed write has left, and passes over what is not its own', async () => {
    const dataDir = folder();
    const shard = join(dataDir, 'artifacts', 'ab');
    mkdirSync(shard, { recursive: true });
    writeFileSync(join(shard, '.tmp-half'), '{"half":');
    writeFileSync(join(shard, 'README'), 'somebody else');
    const store = await open(dataDir);
    expect(await store.list({ limit: 10 })).toEqual([]);
    expect(readdirSync(shard)).toEqual(['README']);
  });

  it('keeps a document that a transcript happens to equal', async () => {
    const store = await open(folder());
    const doc = canonicalDocument({ events: [] });
    await store.put(doc, 'transcript', 't1');
    await store.put(doc, 'document');
    await store.put(doc, 'transcript', 't2');
    expect(await store.list({ limit: 10 })).toMatchObject([{ kind: 'document' }]);
    expect(await store.get(doc.id)).toBe(doc.json);
  });
});
