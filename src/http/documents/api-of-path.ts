/** Whose API a path is of: there errors have the form that its clients know. */
export type Api = 'own' | 'openai' | 'anthropic' | 'ollama';

/** By the URL as it was sent. Ranks are Jina's and tokens vLLM's, in OpenAI's form. */
export function apiOf(url: string): Api {
  if (isAt(url, '/v1/messages')) return 'anthropic';
  if (url.startsWith('/api/')) return 'ollama';
  return url.startsWith('/v1/') || atRoot.some(path => isAt(url, path)) ? 'openai' : 'own';
}

const atRoot = ['/rerank', '/tokenize', '/detokenize'];

/** At a path or below it, with a query or without. */
function isAt(url: string, path: string): boolean {
  if (!url.startsWith(path)) return false;
  const next = url[path.length];
  return next === undefined || next === '?' || next === '/';
}
