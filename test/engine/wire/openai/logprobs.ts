import type { GeneratedToken } from '../../token-source';
import { tokenId } from '../../vocabulary';

/** As `/v1/chat/completions` tells them: the token itself, and so many of the likeliest, itself among them. */
export function chatLogprobs(tokens: readonly GeneratedToken[], alternatives: number): object {
  return {
    content: tokens.map(({ text }) => ({
      ...entry(text),
      top_logprobs: Array.from({ length: alternatives }, (_, rank) => entry(alternative(text, rank))),
    })),
  };
}

/** As `/v1/completions` tells them: lists beside each other, alternatives as an object. */
export function textLogprobs(tokens: readonly GeneratedToken[], alternatives: number, offset: number): object {
  let at = offset;
  return {
    text_offset: tokens.map(({ text }) => (at += text.length) - text.length),
    token_logprobs: tokens.map(({ text }) => logprob(text)),
    tokens: tokens.map(({ text }) => text),
    top_logprobs: tokens.map(({ text }) =>
      Object.fromEntries(
        Array.from({ length: Math.max(1, alternatives) }, (_, rank) => alternative(text, rank)).map(
          each => [each, logprob(each)] as const,
        ),
      ),
    ),
  };
}

function entry(token: string): object {
  return { token, logprob: logprob(token), bytes: [...Buffer.from(token)] };
}

function alternative(text: string, rank: number): string {
  return rank === 0 ? text : `${text}${rank}`;
}

/** Made up, and always the same for a text. */
function logprob(text: string): number {
  return -((tokenId(text) % 3000) + 1) / 1001;
}
