import { describe, expect, it } from 'vitest';
import { silentNarrator } from '../../../test/support/ledger';
import { LeaseLost } from '../../records/record-lease';
import type { ResultFile } from './result-file';
import { ResultWriter } from './result-writer';

const lost = new LeaseLost({ kind: 'batch', id: 'x', token: '1' });

function writing(append: (lines: readonly string[]) => Promise<void>) {
  let losses = 0;
  const file = { id: 'file-x', append } as unknown as ResultFile;
  const writer = new ResultWriter(file, silentNarrator, () => losses++);
  return { writer, losses: () => losses };
}

it('writes what comes just as all before it is written, whichever step that is at (B-BAT-005)', async () => {
  const written: string[] = [];
  for (let steps = 0; steps < 20; steps++) {
    const { writer } = writing(async lines => void written.push(...lines));
    void writer.add('first');
    for (let step = 0; step < steps; step++) await Promise.resolve();
    void writer.add(String(steps));
    await new Promise(setImmediate);
  }
  const others = written.filter(text => text !== 'first');
  expect(others).toEqual(Array.from({ length: 20 }, (_, steps) => String(steps)));
});

describe('results of a batch that is another node’s (B-ND-015)', () => {
  it('are not written any more, and nobody waits for them', async () => {
    const tried: string[] = [];
    const { writer, losses } = writing(async lines => {
      tried.push(...lines);
      throw lost;
    });
    await Promise.all([writer.add('1'), writer.add('2')]);
    await writer.add('3');
    expect([tried, losses()]).toEqual([['1', '2'], 1]);
  });

  it('that were being written when that was known are not written again', async () => {
    const tried: string[] = [];
    const { writer, losses } = writing(async lines => {
      tried.push(...lines);
      writer.lose();
    });
    await Promise.all([writer.add('1'), Promise.resolve().then(() => writer.add('2'))]);
    await writer.close();
    expect([tried, losses()]).toEqual([['1'], 1]);
  });
});
