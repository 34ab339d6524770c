import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

Given('the engine is loading its model', async function (this: ServiceWorld) {
  this.theEngine.control({ loading: true });
  await this.until('/v2/pools/gpu/health', ({ ready }) => ready === false);
});

When('I ask for a chat while the engine becomes ready', async function (this: ServiceWorld) {
  const messages = [{ role: 'user', content: 'Hello' }];
  const asked = this.request('POST', '/v1/chat/completions', { model: 'some-model', messages, max_tokens: 4 });
  await this.until('/v2/tasks?state=queued', ({ items }) => (items as unknown[]).length === 1);
  this.theEngine.control({ loading: false });
  this.answers = [await asked];
});

Then(
  'the task has the session {string} and the priority {string}',
  async function (this: ServiceWorld, sessionId: string, priority: string) {
    const taskId = String(this.answer.headers['x-orchd-task-id']);
    const task = (await this.look(`/v2/tasks/${taskId}`)).json();
    assert.deepEqual([task['session_id'], task['priority']], [sessionId, priority]);
  },
);
