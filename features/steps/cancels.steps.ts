import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

Given('task {string} has been completed', async function (this: ServiceWorld, taskId: string) {
  await this.accepted(taskId);
  await this.until(`/v2/tasks/${taskId}`, task => task['state'] === 'completed');
});

Given('task {string} has been cancelled', async function (this: ServiceWorld, taskId: string) {
  await this.request('POST', `/v2/tasks/${taskId}/cancel`);
  assert.equal(this.answer.status, 204);
});

When('I cancel the tasks {string}', async function (this: ServiceWorld, taskIds: string) {
  for (const taskId of taskIds.split(', ')) {
    await this.request('POST', `/v2/tasks/${taskId}/cancel`);
    assert.equal(this.answer.status, 204);
  }
});

Then(
  'tasks_canceled_total has counted it at {string} for the client',
  async function (this: ServiceWorld, place: string) {
    const [poolId = '', replicaId = ''] = place.split('/');
    const labels = { engine: 'llamacpp', pool_id: poolId, replica_id: replicaId, reason: 'client' };
    assert.equal(await this.metric('tasks_canceled_total', labels), 1);
  },
);

Then('it has no other event', function (this: ServiceWorld) {
  assert.equal(this.reading?.events.length, 1);
});
