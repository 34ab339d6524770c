import { taskLedgerContract } from '../../../test/contracts/task-ledger.contract';
import { redisLedger } from '../../../test/support/redis-ledger';
import { describeOverStore } from '../../../test/support/redis-store';

describeOverStore('over a store', server => {
  taskLedgerContract('redis', settings => redisLedger(server(), settings), false);
});
