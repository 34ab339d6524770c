import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Claim, Ended } from '../../../src/tasks/ledger/task-ledger.port';
import { completed, failure, cancelled, submissionOf, pinned, type LedgerUse } from './ledger-use';

export function ledgerInvariants(use: LedgerUse): void {
  const { conclude, start } = use;
  it('holds its invariants whatever is admitted, claimed, marked, returned, ended and cancelled in between', async () => {
    const step = fc.record({
      kind: fc.constantFrom('admit', 'admit', 'admit', 'claim', 'claim', 'mark', 'requeue', 'end', 'cancel', 'wait'),
      pool: fc.constantFrom(undefined, 'a', 'b', 'nowhere'),
      session: fc.constantFrom('s', 't'),
      pick: fc.nat(99),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
        await use.test.close();
        await start({ capacity: 5, tokensBudget: 45 });
        await use.test.bind('a/r', 1);
        await use.test.bind('b/r', 2);
        const claims = new Map<string, Claim>();
        const live = new Map<string, { reserved: number; session: string }>();
        const spent = new Map<string, number>();
        let number = 0;
        const gone = async (ended: Ended | undefined): Promise<void> => {
          if (!ended) return;
          const { taskId, usage } = ended.ending;
          const task = live.get(taskId);
          expect(task).toBeDefined(); // Nobody ends twice.
          live.delete(taskId);
          claims.delete(taskId);
          if (task) spent.set(task.session, (spent.get(task.session) ?? 0) + usage.tokensOut);
          await conclude(ended);
        };
        const keep = (claim: Claim | undefined): void => {
          if (!claim) return;
          expect(claims.has(claim.spec.taskId)).toBe(false); // Nobody runs twice.
          claims.set(claim.spec.taskId, claim);
        };
        for (const { kind, pool, session, pick } of steps) {
          const claim = [...claims.values()][pick % Math.max(1, claims.size)];
          const taskId = [...live.keys()][pick % Math.max(1, live.size)];
          if (kind === 'admit') {
            const id = `t${++number}`;
            const outcome = await use.ledger.admit(
              submissionOf(id, { sessionId: session, ownSession: false, ...(pool && pinned(pool)) }),
            );
            if (outcome.kind !== 'admitted') continue;
            await outcome.durable;
            live.set(id, { reserved: 10, session });
            keep(outcome.claim);
          } else if (kind === 'claim') keep(await use.ledger.claim());
          else if (kind === 'wait') await use.test.advance(10);
          else if (kind === 'mark' && claim) expect(await use.ledger.markFirstToken(claim)).toBe(true);
          else if (kind === 'requeue' && claim) {
            if (await use.ledger.requeue(claim, { failure, delayMs: 5, elsewhereMs: 5, avoidMs: 20, counts: true }))
              claims.delete(claim.spec.taskId);
          } else if (kind === 'end' && claim) await gone(await use.ledger.end(claim, completed));
          else if (kind === 'cancel' && taskId !== undefined) {
            const outcome = await use.ledger.cancel(taskId, cancelled);
            if (outcome && 'ending' in outcome) await gone(outcome);
          }
          // Slots in use are attempts that run.
          const used = { a: 1 - use.test.slotsFree('a/r'), b: 2 - use.test.slotsFree('b/r') };
          const running = [...claims.values()].map(({ lease }) => lease.poolId);
          expect(used).toEqual({
            a: running.filter(poolId => poolId === 'a').length,
            b: running.filter(poolId => poolId === 'b').length,
          });
          // What is spent and reserved is what the session says, and within its budget.
          for (const name of ['s', 't']) {
            const reserved = [...live.values()].filter(task => task.session === name).length * 10;
            const left = 45 - reserved - (spent.get(name) ?? 0);
            expect(left).toBeGreaterThanOrEqual(0);
            expect((await use.test.session(name)).remaining.tokens).toBe(left);
          }
          expect([...(await use.ledger.live())].map(task => task.spec.taskId).sort()).toEqual([...live.keys()].sort());
          // Work-conserving: what is free and may be used would be claimed.
          const { interactive } = use.ledger.depth();
          expect(interactive).toBeLessThanOrEqual(live.size - claims.size);
        }
      }),
      { numRuns: 60 },
    );
  });
}
