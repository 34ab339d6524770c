import { createOpenResponses } from '@ai-sdk/open-responses';
import { providerCases } from './ai-sdk-cases.mjs';
import { apiKey, baseURL } from './cases.mjs';

const provider = createOpenResponses({ name: 'orchestratord', url: `${baseURL}/responses`, apiKey });
await providerCases(provider, { missing: 503 });
