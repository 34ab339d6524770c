import { base64Of, embedding } from '../../embedding';
import { promptsIn, type Body } from './request';

/** The vectors that a body of `/v1/embeddings` asks for, each as a list of numbers or as base64. */
export function vectorsOf(body: Body): readonly (readonly number[] | string)[] {
  const dimensions = typeof body.dimensions === 'number' ? body.dimensions : undefined;
  return promptsIn(body.input).map(text => {
    const vector = embedding(text, dimensions);
    return body.encoding_format === 'base64' ? base64Of(vector) : vector;
  });
}

/** The documents of a body that asks for their order: texts, or objects with a text. */
export function documentsIn({ documents, texts }: Body): readonly string[] {
  const list: unknown = documents ?? texts;
  if (!Array.isArray(list)) return [];
  return list.map(document => {
    if (typeof document === 'string') return document;
    const { text } = (document ?? {}) as Body;
    return typeof text === 'string' ? text : JSON.stringify(document);
  });
}

/** How many of them are wanted. */
export function topOf({ top_n: top }: Body): number | undefined {
  return typeof top === 'number' && top > 0 ? top : undefined;
}
