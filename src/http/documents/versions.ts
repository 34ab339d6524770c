import { version } from '../../../package.json';

/** Version of the service, as its package has it. */
export const SERVICE_VERSION = version;

/** Version of the HTTP API, as the OpenAPI document and the capabilities name it. */
export const API_VERSION = '2.0.0';
