import type { OperationTables } from '../engine-adapter.port';
import { jinaRerank, openaiChat, openaiCompletion, openaiEmbedding, openaiTable } from '../wire/openai/parameters';

/** What servers of OpenAI's API have in common is that API; whatever else a client sends is for the server to take or refuse. */
export const openaiOperations: OperationTables = {
  chat: openaiTable('chat', openaiChat),
  completion: openaiTable('completion', openaiCompletion),
  embedding: openaiTable('embedding', openaiEmbedding),
  rerank: openaiTable('rerank', jinaRerank),
};
