import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { LAST_RESORT_MS, withDeadline } from '../../../test/support/deadline';
import { MeasuredResponse } from './measured-response';
import { closeWithConnection } from './queued-answers';

it('closes answers that wait behind another with their connection, each once', async () => {
  const answers: MeasuredResponse[] = [];
  const closed: number[] = [];
  const server = createServer({ ServerResponse: MeasuredResponse }, (_, answer) => {
    const at = answers.push(answer) - 1;
    answer.on('close', () => closed.push(at));
    closeWithConnection(answer);
    if (at === 0) answer.end();
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(14));
  await once(client, 'data');
  expect(answers).toHaveLength(14);
  expect(closed).toEqual([0]);
  expect(answers[13]?.closed).toBe(false);
  const last = once(answers[13] as MeasuredResponse, 'close');
  client.resetAndDestroy();
  await withDeadline(last, LAST_RESORT_MS, () => 'not closed');
  expect(closed.sort((a, b) => a - b)).toEqual(answers.map((_, at) => at));
  expect(answers.filter(answer => !answer.closed || !answer.destroyed)).toEqual([]);
});
