/** Whether a path is of OpenAI's API (and of Jina's, for ranks): there errors have the form that its clients know. */
export function isOpenaiPath(url: string): boolean {
  return url.startsWith('/v1/') || url === '/rerank' || url.startsWith('/rerank?');
}
