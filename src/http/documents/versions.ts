import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Three folders up from both src/http/documents and dist/http/documents. */
const manifest = readFileSync(join(__dirname, '..', '..', '..', 'package.json'), 'utf8');

/** Version of the service, as its package has it. */
export const SERVICE_VERSION = (JSON.parse(manifest) as { readonly version: string }).version;

/** Version of the HTTP API, as the OpenAPI document and the capabilities name it. */
export const API_VERSION = '2.0.0';
