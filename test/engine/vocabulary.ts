/**
 * What the stand-in knows to say. Texts of one to four UTF-8 bytes a character, and joined ones, so that whoever cuts a
 * stream at a byte position finds every kind of cut.
 */
export const vocabulary: readonly string[] = (
  'the a river stone light field north wind early slow bright open quiet road winter salt paper garden second water ' +
  'near under between over after small green copper long stair window morning letter answer again never often almost ' +
  'café naïve Straße niño žluť øre мир свет река שלום אור مرحبا ضوء नदी แม่น้ำ 流れ 石 光 你好 강 빛 🌊 🪨 👩‍🚀 🇳🇴 é'
)
  .split(' ')
  .map(word => ` ${word}`);

const TOKEN_IDS = 151_936;
const PIECES_KEPT = 100_000;
const known = new Map<number, string>();
/** A word or a run of blanks; long ones fall into several pieces, as with a real tokenizer. */
const piece = /\s?[^\s]{1,16}|\s{1,16}/gu;

/** The ids of a text's tokens. The stand-in's tokenizer is its own: stable, and cheap. */
export function tokenize(text: string): number[] {
  return (text.match(piece) ?? []).map(tokenId);
}

/** The texts of a text's tokens. Their ids can be read back from then on, those of the newest ones. */
export function tokenPieces(text: string): string[] {
  const pieces: string[] = text.match(piece) ?? [];
  for (const each of pieces) {
    if (known.size >= PIECES_KEPT) known.clear();
    known.set(tokenId(each), each);
  }
  return pieces;
}

/** The text of tokens. Ids do not tell it by themselves: one that was never made from a text stands for itself. */
export function detokenize(ids: readonly unknown[]): string {
  return ids.map(id => known.get(Number(id)) ?? ` ${String(id)}`).join('');
}

export function tokenId(text: string): number {
  return hash(text) % TOKEN_IDS;
}

/** An endless series of numbers in [0, 1), the same for the same key (mulberry32). */
export function randomSeries(key: string): () => number {
  let state = hash(key);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** FNV-1a over UTF-16 units, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
