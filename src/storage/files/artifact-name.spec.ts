import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ArtifactInfo } from '../../artifacts/artifact-store.port';
import { fileNameOf, infoOf, StoredName } from './artifact-name';

const whole = (max: number): fc.Arbitrary<number> => fc.oneof(fc.nat({ max: 2000 }), fc.integer({ min: 0, max }));
const info: fc.Arbitrary<ArtifactInfo> = fc
  .record({
    id: fc.stringMatching(/^[0-9a-f]{64}$/),
    kind: fc.constantFrom('document' as const, 'transcript' as const),
    createdAtMs: whole(10 ** 15 - 1),
    storedAtMs: whole(10 ** 15 - 1),
    bytes: whole(10 ** 12 - 1),
    taskId: fc.oneof(fc.constant(undefined), fc.stringMatching(/^[A-Za-z0-9._:-]{1,128}$/)),
  })
  .map(({ taskId, ...rest }) => ({ ...rest, ...(taskId !== undefined && { taskId }) }));

it('says what it was given, among others and after its way through a file name', () => {
  fc.assert(
    fc.property(fc.array(info, { minLength: 1, maxLength: 20 }), infos => {
      const names = infos.map(one => new StoredName(one));
      expect(names.map(name => name.info)).toEqual(infos);
      expect(names.map(name => infoOf(fileNameOf(name))?.info)).toEqual(infos);
    }),
  );
});

it('knows the place that it was given last', () => {
  const name = new StoredName({ id: 'a'.repeat(64), kind: 'transcript', createdAtMs: 1, storedAtMs: 2, bytes: 3 });
  const pack = {};
  expect(name.pack).toBeUndefined();
  name.place(pack, 7);
  expect([name.pack, name.offset]).toEqual([pack, 7]);
  name.place(undefined);
  expect(name.pack).toBeUndefined();
});
