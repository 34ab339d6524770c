import type { GeneratedToken } from '../../token-source';
import { tokenId } from '../../vocabulary';

/** What is told beside tokens: each with so many of the likeliest, in llama.cpp's members and order. */
export function probabilities(tokens: readonly GeneratedToken[], alternatives: number): readonly object[] {
  return tokens.map(({ text }) => ({
    ...entry(text),
    top_logprobs: Array.from({ length: alternatives }, (_, rank) => entry(rank === 0 ? text : `${text}${rank}`)),
  }));
}

/** Made up, and always the same for a text. */
function entry(token: string): object {
  const id = tokenId(token);
  return { id, token, bytes: [...Buffer.from(token)], logprob: -((id % 3000) + 1) / 1001 };
}
