import { parentPort } from 'node:worker_threads';
import type { CheckAnswer, CheckOrder } from './check-protocol';
import { FileCheck } from './file-check';

/** Looks at the lines of files, one file after another, on a thread of its own. */

let check: FileCheck | undefined;

parentPort?.on('message', (order: CheckOrder) => {
  switch (order.kind) {
    case 'begin':
      check = new FileCheck(order.bounds);
      return;
    case 'chunk':
      return answer({ goesOn: check?.push(Buffer.from(order.bytes)) ?? false });
    case 'end':
      if (check) answer({ verdict: check.end() });
      check = undefined;
  }
});

function answer(told: CheckAnswer): void {
  parentPort?.postMessage(told);
}
