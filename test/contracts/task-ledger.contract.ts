import { afterEach, beforeEach, describe } from 'vitest';
import { ledgerAdmission } from './task-ledger/admission.contract';
import { ledgerAttempts } from './task-ledger/attempts.contract';
import { ledgerBudgets } from './task-ledger/budgets.contract';
import { ledgerInvariants } from './task-ledger/invariants.contract';
import { ledgerOrder } from './task-ledger/order.contract';
import { ledgerRecords } from './task-ledger/records.contract';
import { ledgerRestart } from './task-ledger/restart.contract';
import { ledgerSessions } from './task-ledger/sessions.contract';
import { LedgerUse, type LedgerSettings, type LedgerUnderTest } from './task-ledger/ledger-use';

/** What every driver of the TaskLedger port keeps, and of TaskRecords and SessionStore, which tell of what it has written. */
export function taskLedgerContract(
  driver: string,
  setUp: (settings: LedgerSettings) => Promise<LedgerUnderTest>,
  answersEarly: boolean,
): void {
  describe(`TaskLedger: ${driver}`, () => {
    const use = new LedgerUse(setUp, answersEarly);
    beforeEach(() => use.start());
    afterEach(() => use.test.close());

    ledgerOrder(use);
    ledgerAdmission(use);
    ledgerBudgets(use);
    ledgerAttempts(use);
    ledgerRestart(use);
    ledgerRecords(use);
    ledgerSessions(use);
    ledgerInvariants(use);
  });
}
