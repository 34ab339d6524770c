import { strict as assert } from 'node:assert';
import { Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

const MODELS = '/v2/catalog/models';

const full = {
  digest: 'sha256:abc123',
  source_url: 'https://models.example/llama',
  local_path: 'org/llama.gguf',
  tags: ['chat', '8b'],
  manifests: [{ layers: 2 }],
  signatures: { by: 'someone' },
  // Members of these names are data as any other.
  sbom: { format: 'spdx', constructor: { prototype: [{ hasOwnProperty: 1 }] }, prototype: null, toString: 'text' },
  trust_policy: { required: true },
};

When('I describe a model {string} in full', async function (this: ServiceWorld, id: string) {
  await this.request('POST', MODELS, { id, ...full });
});

When('I create a model with its file at {string}', async function (this: ServiceWorld, path: string) {
  await this.request('POST', MODELS, { id: 'm', local_path: path });
});

Then('model {string} is shown as it was described', async function (this: ServiceWorld, id: string) {
  const shown = (await this.look(`${MODELS}/${encodeURIComponent(id)}`)).json();
  assert.deepEqual(shown, this.json);
  for (const [field, value] of Object.entries({ id, state: 'Active', ...full }))
    assert.deepEqual(shown[field], value, field);
});

Then('the catalogue lists {string}', async function (this: ServiceWorld, ids: string) {
  const { items } = (await this.look(MODELS)).json<{ items: { id: string }[] }>();
  assert.equal(items.map(({ id }) => id).join(', '), ids);
});
