/*
 * The frame that llama-server sends for a token, as it has always written it: its members in their order, nothing between them, and
 * content that needs no escapes. Nine of ten tokens come so, and what such a frame says can be taken from it as it stands.
 */

const BEFORE = '{"index":0,"content":"';
const count = '(?:0|[1-9][0-9]{0,9})';
const usual = new RegExp(
  `^\\{"index":0,"content":"[^"\\\\\\x00-\\x1f]+","tokens":\\[(?:${count}(?:,${count})*)?\\],` +
    `"stop":false,"id_slot":(?:-1|${count}),"tokens_predicted":${count},"tokens_evaluated":${count}\\}$`,
);

/** The text of a token's frame; undefined where it has to be parsed to know what it says. */
export function textOfUsualFrame(data: string): string | undefined {
  if (!usual.test(data)) return undefined;
  return data.slice(BEFORE.length, data.indexOf('"', BEFORE.length));
}
