import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Two folders up from both src/meta and dist/meta. */
const manifest = readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8');

/** Version of the service, as its package has it. */
export const SERVICE_VERSION = (JSON.parse(manifest) as { readonly version: string }).version;
