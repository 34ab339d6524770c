import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Subject } from 'rxjs';
import { eventually } from '../../test/support/deadline';
import { modelEntry } from '../../test/contracts/model-catalog.contract';
import { Alarms } from '../time/alarms';
import { Clock } from '../time/clock';
import type { CatalogChange, ModelCatalog, ModelEntry } from './model-catalog.port';
import { ModelStandings } from './model-standings';

let changes: Subject<CatalogChange>;
let alarms: Alarms;
let standings: ModelStandings;

beforeEach(() => {
  changes = new Subject();
  const clock = new Clock();
  alarms = new Alarms(clock);
  standings = new ModelStandings({ changes$: changes } as unknown as ModelCatalog, clock, alarms);
});
afterEach(() => {
  standings.onModuleDestroy();
  alarms.onModuleDestroy();
});

const put = (id: string, change: Partial<ModelEntry> = {}) => changes.next({ id, entry: modelEntry(id, change) });
const barOn = (id: string, ...names: string[]) => standings.barOn({ id, names, state: 'loaded' });
const retired = { state: 'Retired' } as const;
const failed = { verification: { result: 'failed', reason: 'digest_mismatch' } } as const;

describe('what the catalogue says of a model', () => {
  it('is nothing where it has no entry for it', () => {
    put('other', retired);
    expect(barOn('m', 'm.gguf')).toBeUndefined();
    expect(standings.namesOf('m')).toEqual(['m']);
  });

  it('is the bar of its entry', () => {
    put('m');
    expect(barOn('m')).toBeUndefined();
    put('m', failed);
    expect(barOn('alias', 'm')).toBe('MODEL_UNVERIFIED');
    put('m', { ...retired, ...failed });
    expect(barOn('m')).toBe('MODEL_RETIRED');
    changes.next({ id: 'm', entry: undefined });
    expect(barOn('m')).toBeUndefined();
  });

  it.each([
    ['org/m.gguf', '/models/org/m.gguf', true],
    ['org/m.gguf', 'org/m.gguf', true],
    ['org/m.gguf', '/models/other/m.gguf', false],
    ['org/m.gguf', '/models/xorg/m.gguf', false],
    ['m.gguf', '/models/org/m.gguf', true],
    ['m.gguf', '/models/m-2.gguf', false],
  ])('is for the file %s of a model at %s: %s', (localPath, path, isFor) => {
    put('entry', { ...retired, localPath });
    const file = path.split('/').at(-1) ?? '';
    expect(barOn('prod', path, file, file.replace('.gguf', ''))).toBe(isFor ? 'MODEL_RETIRED' : undefined);
  });

  it('is each entry that is the model, and follows its file to another', () => {
    put('one', { localPath: 'm.gguf' });
    put('two', { ...retired, localPath: 'm.gguf' });
    expect(barOn('m', 'm.gguf')).toBe('MODEL_RETIRED');
    put('two', { ...retired, localPath: 'n.gguf' });
    expect([barOn('m', 'm.gguf'), barOn('n', 'n.gguf')]).toEqual([undefined, 'MODEL_RETIRED']);
  });

  it('gives an id the names of its file', () => {
    put('llama-3', { localPath: 'org/tiny.gguf' });
    put('plain', { localPath: 'plain' });
    expect(standings.namesOf('llama-3')).toEqual(['llama-3', 'tiny.gguf', 'tiny']);
    expect(standings.namesOf('plain')).toEqual(['plain']);
  });

  it('changes with each change, and when the deadline of a retirement has passed', async () => {
    const before = standings.version;
    put('m', { ...retired, retireDeadlineAtMs: Date.now() + 3_600_000 });
    expect(standings.version).toBe(before + 1);
    expect(barOn('m')).toBeUndefined();
    put('m', { ...retired, retireDeadlineAtMs: Date.now() + 20 });
    await eventually(
      async () => standings.version,
      version => version === before + 3,
      30_000,
    );
    expect(barOn('m')).toBe('MODEL_RETIRED');
  });
});
