import { strict as assert } from 'node:assert';
import { Given, Then } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

Given(
  'a task of session {string} has used {int} tokens',
  async function (this: ServiceWorld, sessionId: string, tokens: number) {
    const taskId = `of-${sessionId}`;
    await this.accepted(taskId, { session_id: sessionId, max_tokens: tokens });
    await this.until(`/v2/tasks/${taskId}`, task => task['state'] === 'completed');
  },
);

Then(
  /^session "([^"]+)" has (\d+) turns? and (\d+) tokens left$/,
  async function (this: ServiceWorld, id: string, turns: string, tokens: string) {
    const session = (await this.look(`/v2/sessions/${id}`)).json();
    assert.deepEqual([session['turns'], session['tokens_budget_remaining']], [Number(turns), Number(tokens)]);
  },
);
