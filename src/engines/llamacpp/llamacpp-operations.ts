import type { OperationTables } from '../engine-adapter.port';
import { openaiCompletion } from '../wire/openai/parameters';

export const llamacppOperations: OperationTables = {
  completion: { route: 'POST /completion', parameters: openaiCompletion, others: 'passed' },
};
