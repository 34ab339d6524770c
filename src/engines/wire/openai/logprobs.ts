import { itemsOf, membersOf } from '../engine-json';

/** A chunk has a few tokens, and each a few likelier ones beside it. */
const MAX_LOGPROBS = 4096;

/** The logprobs of a chat (a list of tokens, each with those beside it) in the form of the older route. */
export function legacyLogprobs(content: unknown): object {
  const tokens = itemsOf(content, MAX_LOGPROBS).map(membersOf);
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top_logprobs: top }) =>
      Object.fromEntries(
        itemsOf(top, MAX_LOGPROBS).map(item => {
          const { token, logprob } = membersOf(item);
          return [typeof token === 'string' ? token : '', logprob];
        }),
      ),
    ),
  };
}
