import { createAnthropic } from '@ai-sdk/anthropic';
import { providerCases } from './ai-sdk-cases.mjs';
import { apiKey, baseURL } from './cases.mjs';

await providerCases(createAnthropic({ baseURL, apiKey }), { missing: 529 });
