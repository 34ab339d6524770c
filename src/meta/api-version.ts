/** Version of the HTTP API, as the OpenAPI document and the capabilities name it. */
export const API_VERSION = '2.0.0';
