import { taskLedgerContract } from '../../../test/contracts/task-ledger.contract';
import { embeddedLedger } from '../../../test/support/ledger';

taskLedgerContract('embedded', embeddedLedger, true);
