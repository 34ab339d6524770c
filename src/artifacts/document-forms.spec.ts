import { afterAll, describe, expect, it } from 'vitest';
import { JsonText } from '../http/bodies/json-body';
import { canonicalDocument } from './canonical-json';
import { DocumentForms } from './document-forms';

const forms = new DocumentForms();
afterAll(() => forms.onModuleDestroy());

const members = (count: number): string =>
  `{${Array.from({ length: count }, (_, n) => `"k${count - n}":${n}`).join(',')}}`;

describe('a document', () => {
  it('has the same form here and on the thread', async () => {
    for (const text of [
      members(10),
      members(60_000),
      `{"a":1,"a":${'[2,'.repeat(30)}3${']'.repeat(30)}${' '.repeat(50_000)}}`,
    ]) {
      expect(await forms.canonical(new JsonText(Buffer.from(text)))).toEqual(canonicalDocument(JSON.parse(text)));
    }
  });

  it.each([
    ['no JSON', '{"a":', 'INVALID_PARAMS', 'the body is not valid JSON'],
    ['a lone surrogate', '["\\ud800"]', 'INVALID_PARAMS', 'the document must be well-formed Unicode'],
    ['too large', `["${'x'.repeat(1024 * 1024)}"]`, 'BODY_TOO_LARGE', 'at most 1048576 bytes'],
  ])('is refused alike on both: %s', async (_, text, code, message) => {
    for (const filling of ['', ' '.repeat(50_000)]) {
      const canonical = async () => forms.canonical(new JsonText(Buffer.from(text + filling)));
      await expect(canonical()).rejects.toMatchObject({ code, details: { field: 'body' } });
      await expect(canonical()).rejects.toThrow(message);
    }
  });

  it('that is large is left to the thread, whatever it holds', async () => {
    const form = forms.canonical(new JsonText(Buffer.from(members(70_000))));
    expect(form).toBeInstanceOf(Promise);
    expect((await form).id).toMatch(/^[0-9a-f]{64}$/);
  });

  it('that waits for the thread when the service stops is refused', async () => {
    const stopped = new DocumentForms();
    const form = stopped.canonical(new JsonText(Buffer.from(members(70_000))));
    await stopped.onModuleDestroy();
    await expect(form).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});
