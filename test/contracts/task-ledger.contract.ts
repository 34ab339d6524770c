import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/errors/service-error';
import type {
  AdmitOutcome,
  Admitted,
  Claim,
  EndDraft,
  Ended,
  LaneAhead,
  Submission,
  TaskLedger,
} from '../../src/tasks/ledger/task-ledger.port';
import type { SessionStatus } from '../../src/sessions/session-store.port';
import type { TaskSpec } from '../../src/tasks/task/task';
import type { MaybeLater } from '../../src/time/maybe-later';
import { plainSpec } from './journal-samples';

export interface LedgerSettings {
  readonly capacity?: number;
  readonly policy?: 'reject' | 'drop-lru';
  readonly batchAgeingMs?: number;
  readonly tokensBudget?: number;
  readonly timeBudgetMs?: number;
}

/** A ledger over pools that a test can change, on a clock that it moves. */
export interface LedgerUnderTest {
  readonly ledger: TaskLedger;
  /** Binds `pool/replica`, ready, with so many slots. */
  bind(name: string, slots: number): Promise<void>;
  /** The engine is gone: the replica is bound, and not ready. */
  lose(name: string): Promise<void>;
  slotsFree(name: string): number;
  session(sessionId: string): MaybeLater<SessionStatus>;
  advance(ms: number): Promise<void>;
  /** What is written from here on waits; what is returned lets it through, or makes it fail. */
  hold(): (fails: boolean) => void;
  /** Another process on the same store, after this one is no more. */
  reopen(): Promise<LedgerUnderTest>;
  close(): Promise<void>;
}

const completed: EndDraft = { state: 'completed', usage: { tokensOut: 3, decodeMs: 40, finishReason: 'stop' } };
const failure = new ServiceError('WORKER_RESET');
const cancelled: EndDraft = { state: 'cancelled', error: new ServiceError('CANCELLED') };

const predictedStart = { earliestMs: 0, latestMs: 0, basis: 'assumed' } as const;

function submissionOf(taskId: string, more: Partial<TaskSpec> = {}, requestHash = taskId): Submission {
  return {
    spec: plainSpec(taskId, { maxTokens: 10, ...more }),
    requestHash,
    predictedStartMs: 0,
    predictedStart,
    preparation: [],
  };
}

function pinned(poolId: string): Partial<TaskSpec> {
  return { constraints: { pinPoolId: poolId, preferPools: [], avoidPools: [], workload: 'completion' } };
}

/** What every driver of the TaskLedger port keeps. */
export function taskLedgerContract(
  driver: string,
  setUp: (settings: LedgerSettings) => Promise<LedgerUnderTest>,
): void {
  describe(`TaskLedger: ${driver}`, () => {
    let test: LedgerUnderTest;
    let ledger: TaskLedger;

    async function start(settings: LedgerSettings = {}): Promise<void> {
      test = await setUp(settings);
      ({ ledger } = test);
      await ledger.adopt();
    }
    beforeEach(() => start());
    afterEach(() => test.close());

    async function admit(taskId: string, more: Partial<TaskSpec> = {}): Promise<Admitted> {
      const outcome = await ledger.admit(submissionOf(taskId, more));
      if (outcome.kind !== 'admitted') throw new Error(`${taskId} was not admitted: ${JSON.stringify(outcome)}`);
      await outcome.durable;
      return outcome;
    }
    async function claimed(): Promise<string | undefined> {
      return (await ledger.claim())?.spec.taskId;
    }
    async function claimAll(): Promise<string[]> {
      const ids: string[] = [];
      for (let id = await claimed(); id !== undefined; id = await claimed()) ids.push(id);
      return ids;
    }
    async function mustClaim(): Promise<Claim> {
      const claim = await ledger.claim();
      if (!claim) throw new Error('nothing could be claimed');
      return claim;
    }
    /** Ends the way a node does: won, durable, concluded. */
    async function conclude(ended: Ended | undefined): Promise<boolean> {
      if (!ended) return false;
      await ended.record(undefined);
      ended.concluded();
      return true;
    }
    async function cancel(taskId: string): Promise<boolean> {
      const outcome = await ledger.cancel(taskId, cancelled);
      return outcome !== undefined && 'ending' in outcome && conclude(outcome);
    }
    const kindOf = async (submission: Submission): Promise<AdmitOutcome['kind']> =>
      (await ledger.admit(submission)).kind;

    describe('order', () => {
      it('serves by time of admission, and says how many go before', async () => {
        const places = [];
        for (const id of ['a', 'b', 'c']) places.push((await admit(id)).facts.queuePosition);
        expect(places).toEqual([0, 1, 2]);
        expect([await ledger.position('a'), await ledger.position('c')]).toEqual([0, 2]);
        await test.bind('p/r', 3);
        expect(await claimAll()).toEqual(['a', 'b', 'c']);
      });

      it('says what goes before by lane, for one that waits and for one that would come', async () => {
        await start({ batchAgeingMs: 1000 });
        await admit('a', { prompt: 'xx', maxTokens: 5 });
        await admit('b', { prompt: 'é', maxTokens: 7 });
        await admit('pinned', { ...pinned('p'), prompt: 'xxx', maxTokens: 9 });
        await admit('batch', { priority: 'batch', prompt: 'x', maxTokens: 11 });
        const sumsOf = (lanes: readonly LaneAhead[]): object =>
          Object.fromEntries(lanes.map(({ constraints, sums }) => [constraints.pinPoolId ?? 'any', sums]));
        const interactive = {
          any: { tasks: 2, bytes: 4, askedTokens: 12 },
          p: { tasks: 1, bytes: 3, askedTokens: 9 },
        };
        expect(sumsOf(await ledger.aheadOf('b'))).toEqual({ any: { tasks: 1, bytes: 2, askedTokens: 5 } });
        expect(sumsOf(await ledger.aheadOf('batch'))).toEqual(interactive);
        await test.advance(10);
        expect(sumsOf(await ledger.ahead('interactive'))).toEqual(interactive);
        expect(sumsOf(await ledger.ahead('batch'))).toEqual({
          ...interactive,
          any: { tasks: 3, bytes: 5, askedTokens: 23 },
        });
        await cancel('a');
        await cancel('pinned');
        expect(sumsOf(await ledger.aheadOf('batch'))).toEqual({ any: { tasks: 1, bytes: 2, askedTokens: 7 } });
        expect([await ledger.aheadOf('a'), await ledger.aheadOf('nobody')]).toEqual([[], []]);
      });

      it('lets interactive tasks go first, and a batch task that has waited its time before newer ones (B-DP-010, B-DP-011)', async () => {
        await start({ batchAgeingMs: 1000 });
        await admit('batch', { priority: 'batch' });
        await test.advance(500);
        await admit('soon');
        await test.advance(600);
        await admit('late');
        expect(ledger.depth()).toEqual({ interactive: 2, batch: 1 });
        await test.bind('p/r', 3);
        expect(await claimAll()).toEqual(['soon', 'batch', 'late']);
      });

      it('gives a claim with the admission where a slot is free and nobody waits', async () => {
        await test.bind('p/r', 1);
        const { claim, facts } = await admit('first');
        expect([claim?.spec.taskId, facts.queuePosition]).toEqual(['first', 0]);
        expect((await admit('second')).claim).toBeUndefined();
        expect(test.slotsFree('p/r')).toBe(0);
      });

      it('does not keep a task from a free slot behind one that may not use it', async () => {
        await test.bind('a/r', 1);
        await admit('running', pinned('a'));
        await admit('head', pinned('a'));
        await admit('other');
        await test.bind('b/r', 1);
        expect(await claimAll()).toEqual(['other']);
      });

      it('tells that a claim may succeed: after an admission, a slot that frees, a pool that comes', async () => {
        const heard: string[] = [];
        let cause = 'admission';
        const wakes = ledger.wake$.subscribe(() => heard.push(cause));
        await admit('a');
        cause = 'pool';
        await test.bind('p/r', 1);
        const claim = await mustClaim();
        cause = 'slot';
        await conclude(await ledger.end(claim, completed));
        wakes.unsubscribe();
        expect([...new Set(heard)]).toEqual(['admission', 'pool', 'slot']);
      });
    });

    describe('admission', () => {
      it('admits the same submission once, and refuses another under its id (B-DP-012)', async () => {
        const { facts } = await admit('t');
        expect(await ledger.admit(submissionOf('t'))).toMatchObject({ kind: 'known', facts });
        expect(await kindOf(submissionOf('t', {}, 'another body'))).toBe('conflict');
        expect(ledger.depth()).toEqual({ interactive: 1, batch: 0 });
      });

      it('does not admit the id of a task that has ended', async () => {
        await admit('t');
        await cancel('t');
        const again = await ledger.admit(submissionOf('t'));
        await expect((again as Admitted).durable).rejects.toMatchObject({ code: 'TASK_CONFLICT' });
        expect(ledger.find('t')).toBeUndefined();
        expect(ledger.depth()).toEqual({ interactive: 0, batch: 0 });
      });

      it('refuses past its capacity, and takes one more when one has gone (B-DP-013)', async () => {
        await start({ capacity: 2 });
        await admit('a');
        await admit('b');
        expect(await ledger.admit(submissionOf('c'))).toMatchObject({ kind: 'full', reason: 'places' });
        await cancel('a');
        expect((await admit('d')).facts.queuePosition).toBe(1);
      });

      it('under drop-lru gives the place of the one admitted first, whatever its class (B-DP-014)', async () => {
        await start({ capacity: 2, policy: 'drop-lru' });
        await admit('old', { priority: 'batch' });
        await admit('young');
        const { durable } = await admit('new');
        const dropped = await durable;
        expect(dropped).toMatchObject({ ending: { taskId: 'old', state: 'dropped', code: 'QUEUE_FULL_DROP_LRU' } });
        await conclude(dropped);
        expect([ledger.find('old'), await ledger.position('young')]).toEqual([undefined, 0]);
        expect(ledger.depth()).toEqual({ interactive: 2, batch: 0 });
      });

      it('keeps nothing of an admission that does not become durable, and gives everything back', async () => {
        await start({ capacity: 1, policy: 'drop-lru', tokensBudget: 100 });
        await admit('old', { sessionId: 's', ownSession: false });
        const settle = test.hold();
        const outcome = (await ledger.admit(submissionOf('new', { sessionId: 's', ownSession: false }))) as Admitted;
        expect(ledger.depth()).toEqual({ interactive: 1, batch: 0 });
        const cancelling = await ledger.cancel('old', cancelled);
        settle(true);
        await expect(outcome.durable).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
        expect(cancelling).not.toHaveProperty('ending');
        await (cancelling as { over: Promise<void> }).over;
        expect([await ledger.position('old'), ledger.find('new')]).toEqual([0, undefined]);
        expect((await test.session('s')).remaining.tokens).toBe(90);
        expect(await cancel('old')).toBe(true);
      });

      it('lets go of an attempt whose admission does not become durable', async () => {
        await test.bind('p/r', 1);
        const settle = test.hold();
        const { claim, durable } = (await ledger.admit(submissionOf('t'))) as Admitted;
        let lost = 0;
        if (claim) claim.onLost = () => lost++;
        settle(true);
        await expect(durable).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
        expect([lost, claim?.isHeld, test.slotsFree('p/r')]).toEqual([1, false, 1]);
        expect(claim && (await ledger.end(claim, completed))).toBeUndefined();
      });

      it('writes no ending of a task that was not admitted after all', async () => {
        await test.bind('p/r', 1);
        const settle = test.hold();
        const { claim, durable } = (await ledger.admit(submissionOf('t'))) as Admitted;
        const ended = claim && (await ledger.end(claim, completed));
        const recorded = ended?.record(undefined);
        settle(true);
        await expect(durable).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
        expect([await recorded, ended?.isVoid]).toEqual([false, true]);
        ended?.concluded();
        expect(await kindOf(submissionOf('t'))).toBe('admitted');
      });

      it('keeps those that nothing can serve in a room of their own', async () => {
        await start({ capacity: 2 });
        await test.bind('p/r', 1);
        await admit('running');
        for (const id of ['x', 'y']) await admit(id, pinned('nowhere'));
        expect(await ledger.admit(submissionOf('z', pinned('elsewhere')))).toMatchObject({
          kind: 'full',
          isServed: false,
        });
        expect((await admit('a')).facts.queuePosition).toBe(0);
        expect((await admit('b')).facts.queuePosition).toBe(1);
        expect(await ledger.admit(submissionOf('c'))).toMatchObject({ kind: 'full', isServed: true });
        expect(await ledger.position('y')).toBe(1);
        await test.bind('nowhere/r', 2);
        expect(await claimAll()).toEqual(['x', 'y']);
      });

      it('moves those that wait to the others as soon as something can serve them, and back', async () => {
        await start({ capacity: 2 });
        for (const id of ['x', 'y']) await admit(id, pinned('x'));
        await test.bind('x/r', 1);
        await admit('running', pinned('nowhere'));
        expect(await kindOf(submissionOf('z', pinned('x')))).toBe('full');
        await test.lose('x/r');
        expect(await ledger.position('y')).toBe(1);
        expect(await kindOf(submissionOf('z', pinned('nowhere')))).toBe('full');
        await test.bind('p/r', 1);
        expect((await admit('a')).facts.queuePosition).toBe(0);
      });

      it('makes room where there is none, and only there', async () => {
        await start({ capacity: 1, policy: 'drop-lru' });
        const { constraints } = plainSpec('any');
        expect(await ledger.makeRoom(constraints)).toBeUndefined();
        await admit('a');
        const dropped = await ledger.makeRoom(constraints);
        expect(dropped?.ending).toMatchObject({ taskId: 'a', state: 'dropped' });
        await conclude(dropped);
        expect(ledger.depth()).toEqual({ interactive: 0, batch: 0 });
      });
    });

    describe('budgets', () => {
      const named: Partial<TaskSpec> = { sessionId: 's', ownSession: false };

      it('reserves the most a task can use, and settles what it did use', async () => {
        await start({ tokensBudget: 25 });
        await test.bind('p/r', 1);
        const { claim } = await admit('a', named);
        expect((await test.session('s')).remaining.tokens).toBe(15);
        await admit('b', named);
        expect(await ledger.admit(submissionOf('c', named))).toMatchObject({
          kind: 'over-budget',
          budget: 'tokens',
          isSpent: false,
        });
        const ended = claim && (await ledger.end(claim, completed));
        expect(ended?.remaining.tokens).toBe(12);
        await conclude(ended);
        await cancel('b');
        expect(await test.session('s')).toMatchObject({ turns: 1, remaining: { tokens: 22 } });
        expect((await ledger.admit(submissionOf('d', { ...named, maxTokens: 23 }))).kind).toBe('over-budget');
      });

      it('never spends more than was reserved, whatever an engine reports', async () => {
        await start({ tokensBudget: 25 });
        await test.bind('p/r', 1);
        const { claim } = await admit('a', named);
        const usage = { tokensOut: 99, decodeMs: 1, finishReason: 'stop' } as const;
        await conclude(claim && (await ledger.end(claim, { state: 'completed', usage })));
        expect((await test.session('s')).remaining.tokens).toBe(15);
      });

      it('gives a reservation back with a refusal', async () => {
        await start({ capacity: 1, tokensBudget: 25 });
        await admit('a', named);
        expect(await kindOf(submissionOf('b', named))).toBe('full');
        expect((await test.session('s')).remaining.tokens).toBe(15);
      });

      it('lets what is left of the time bound the run, not the deadline', async () => {
        await start({ timeBudgetMs: 1000 });
        await test.bind('p/r', 1);
        const long = { ...named, deadlineMs: 1000 };
        const { claim } = await admit('a', long);
        expect(claim?.timeLimitMs).toBe(1000);
        await conclude(claim && (await ledger.end(claim, completed)));
        const next = await admit('b', long);
        expect(next.claim?.timeLimitMs).toBe(960);
        expect((await ledger.admit(submissionOf('c', long))).kind).toBe('over-budget');
      });
    });

    describe('attempts', () => {
      it('never gives more claims than there are slots, and frees each once', async () => {
        await test.bind('p/r', 2);
        for (const id of ['a', 'b', 'c']) await admit(id);
        const held = [...ledger.live()].filter(task => task.state === 'dispatching').map(task => task.spec.taskId);
        const claims = [...(await claimAll()), ...held];
        expect(claims.sort()).toEqual(['a', 'b']);
        expect(test.slotsFree('p/r')).toBe(0);
        await cancel('a');
        await cancel('a');
        expect(test.slotsFree('p/r')).toBe(1);
        expect(await claimed()).toBe('c');
      });

      it('refuses what a lost claim writes', async () => {
        await test.bind('p/r', 1);
        const { claim } = await admit('t');
        if (!claim) throw new Error('no claim');
        let lost = 0;
        claim.onLost = () => lost++;
        expect(await cancel('t')).toBe(true);
        expect([lost, claim.isHeld]).toEqual([1, false]);
        expect(await ledger.end(claim, completed)).toBeUndefined();
        expect(await ledger.requeue(claim, { failure, delayMs: 0, elsewhereMs: 0, avoidMs: 0, counts: true })).toBe(
          false,
        );
        expect(await ledger.markFirstToken(claim)).toBe(false);
        expect(ledger.find('t')).toBeUndefined();
      });

      it('lets one of several endings win, and the others wait for it', async () => {
        await test.bind('p/r', 1);
        const { claim } = await admit('t');
        const [own, other] = [claim && (await ledger.end(claim, completed)), await ledger.cancel('t', cancelled)];
        expect(own?.ending).toMatchObject({ state: 'completed', usage: { tokensOut: 3 } });
        expect(other).not.toHaveProperty('ending');
        let isOver = false;
        void (other as { over: Promise<void> }).over.then(() => (isOver = true));
        await own?.record(undefined);
        expect(isOver).toBe(false);
        own?.concluded();
        await (other as { over: Promise<void> }).over;
        expect(await ledger.cancel('t', cancelled)).toBeUndefined();
      });

      it('reports what was shown when somebody else ends it', async () => {
        await test.bind('p/r', 1);
        const { claim } = await admit('t');
        if (!claim) throw new Error('no claim');
        claim.shown.tokens = 7;
        expect(await ledger.markFirstToken(claim)).toBe(true);
        expect(ledger.find('t')?.state).toBe('streaming');
        const ended = await ledger.cancel('t', cancelled);
        expect(ended).toMatchObject({ ending: { state: 'cancelled', usage: { tokensOut: 7 }, attempts: 1 } });
      });

      it('returns one that has shown nothing to its place, after a delay, elsewhere first', async () => {
        await test.bind('a/r', 1);
        const { claim } = await admit('first');
        await admit('second');
        if (!claim) throw new Error('no claim');
        expect(
          await ledger.requeue(claim, { failure, delayMs: 100, elsewhereMs: 100, avoidMs: 1000, counts: true }),
        ).toBe(true);
        expect([ledger.find('first')?.state, await ledger.position('first')]).toEqual(['queued', undefined]);
        expect(await claimed()).toBe('second');
        await test.advance(100);
        expect(await ledger.position('first')).toBe(0);
        await test.bind('b/r', 1);
        const again = await mustClaim();
        expect([again.spec.taskId, again.lease.poolId, again.attempt]).toEqual(['first', 'b', 2]);
      });

      it('waits for another replica only as long as it avoids the one that failed', async () => {
        await test.bind('a/r', 1);
        const { claim } = await admit('t');
        await test.bind('b/r', 1);
        await admit('busy', pinned('b'));
        await claimAll();
        if (!claim) throw new Error('no claim');
        await ledger.requeue(claim, { failure, delayMs: 0, elsewhereMs: 0, avoidMs: 1000, counts: false });
        await test.advance(1);
        expect(await claimed()).toBeUndefined();
        await test.advance(1000);
        const again = await mustClaim();
        expect([again.lease.poolId, again.attempt]).toEqual(['a', 1]);
      });

      it('uses one that failed it where there is no other', async () => {
        await test.bind('a/r', 1);
        const { claim } = await admit('t');
        if (claim) await ledger.requeue(claim, { failure, delayMs: 0, elsewhereMs: 0, avoidMs: 1000, counts: true });
        await test.advance(1);
        expect(await claimed()).toBe('t');
      });

      it('takes back nothing that may have been seen', async () => {
        await test.bind('a/r', 1);
        const { claim } = await admit('t');
        if (!claim) throw new Error('no claim');
        await ledger.markFirstToken(claim);
        expect(await ledger.requeue(claim, { failure, delayMs: 0, elsewhereMs: 0, avoidMs: 0, counts: true })).toBe(
          false,
        );
      });

      it('gives a queued task for a lease that is no pool\u2019s, once', async () => {
        await test.bind('a/r', 1);
        const { claim } = await admit('running');
        await admit('t');
        if (!claim) throw new Error('no claim');
        expect((await ledger.claimFor('t', { ...claim.lease, release: () => undefined }))?.spec.taskId).toBe('t');
        expect(await ledger.claimFor('t', claim.lease)).toBeUndefined();
        expect(await ledger.claimFor('running', claim.lease)).toBeUndefined();
      });

      it('says when a deadline has passed, of queued tasks and of running ones', async () => {
        const heard = new Set<string>();
        const overdue = ledger.overdue$.subscribe(taskId => heard.add(taskId));
        await test.bind('a/r', 1);
        await admit('running', { deadlineMs: 100 });
        await admit('queued', { deadlineMs: 200 });
        await admit('ended', { deadlineMs: 100 });
        await cancel('ended');
        await test.advance(150);
        expect([...heard]).toEqual(['running']);
        await test.advance(100);
        expect([...heard]).toEqual(['running', 'queued']);
        overdue.unsubscribe();
      });

      it('lets go, for a shutdown, of what has shown nothing and of nothing else', async () => {
        await test.bind('a/r', 2);
        const { claim: shown } = await admit('shown');
        const { claim: silent } = await admit('silent');
        if (!shown || !silent) throw new Error('no claims');
        await ledger.markFirstToken(shown);
        ledger.abandonAll();
        expect([shown.isHeld, silent.isHeld, test.slotsFree('a/r')]).toEqual([true, false, 1]);
        expect(ledger.find('silent')).toBeDefined();
      });
    });

    describe('a start after a crash', () => {
      it('puts what had shown nothing back in its order, and names what may have been seen', async () => {
        await test.bind('a/r', 2);
        const { claim: shown } = await admit('shown', { sessionId: 's', ownSession: false });
        await admit('silent', { sessionId: 's', ownSession: false });
        for (const id of ['c', 'b', 'a']) await admit(id);
        await admit('ended');
        await cancel('ended');
        if (!shown) throw new Error('no claim');
        await ledger.markFirstToken(shown);
        test = await test.reopen();
        ({ ledger } = test);
        const { queued, interrupted } = await ledger.adopt();
        expect([queued, interrupted.map(task => task.spec.taskId)]).toEqual([4, ['shown']]);
        expect((await test.session('s')).liveTasks).toBe(2);
        expect((await admit('new')).facts.queuePosition).toBe(4);
        await test.bind('a/r', 9);
        expect(await claimAll()).toEqual(['silent', 'c', 'b', 'a', 'new']);
        expect(await cancel('shown')).toBe(true);
      });

      it('keeps what sessions have spent', async () => {
        await start({ tokensBudget: 25 });
        await test.bind('a/r', 1);
        const { claim } = await admit('t', { sessionId: 's', ownSession: false });
        await conclude(claim && (await ledger.end(claim, completed)));
        test = await test.reopen();
        ({ ledger } = test);
        await ledger.adopt();
        expect(await test.session('s')).toMatchObject({ turns: 1, remaining: { tokens: 22 } });
      });
    });

    it('holds its invariants whatever is admitted, claimed, marked, returned, ended and cancelled in between', async () => {
      const step = fc.record({
        kind: fc.constantFrom('admit', 'admit', 'admit', 'claim', 'claim', 'mark', 'requeue', 'end', 'cancel', 'wait'),
        pool: fc.constantFrom(undefined, 'a', 'b', 'nowhere'),
        session: fc.constantFrom('s', 't'),
        pick: fc.nat(99),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
          await test.close();
          await start({ capacity: 5, tokensBudget: 45 });
          await test.bind('a/r', 1);
          await test.bind('b/r', 2);
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
              const outcome = await ledger.admit(
                submissionOf(id, { sessionId: session, ownSession: false, ...(pool && pinned(pool)) }),
              );
              if (outcome.kind !== 'admitted') continue;
              await outcome.durable;
              live.set(id, { reserved: 10, session });
              keep(outcome.claim);
            } else if (kind === 'claim') keep(await ledger.claim());
            else if (kind === 'wait') await test.advance(10);
            else if (kind === 'mark' && claim) expect(await ledger.markFirstToken(claim)).toBe(true);
            else if (kind === 'requeue' && claim) {
              if (await ledger.requeue(claim, { failure, delayMs: 5, elsewhereMs: 5, avoidMs: 20, counts: true }))
                claims.delete(claim.spec.taskId);
            } else if (kind === 'end' && claim) await gone(await ledger.end(claim, completed));
            else if (kind === 'cancel' && taskId !== undefined) {
              const outcome = await ledger.cancel(taskId, cancelled);
              if (outcome && 'ending' in outcome) await gone(outcome);
            }
            // Slots in use are attempts that run.
            const used = { a: 1 - test.slotsFree('a/r'), b: 2 - test.slotsFree('b/r') };
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
              expect((await test.session(name)).remaining.tokens).toBe(left);
            }
            expect([...ledger.live()].map(task => task.spec.taskId).sort()).toEqual([...live.keys()].sort());
            // Work-conserving: what is free and may be used would be claimed.
            const { interactive } = ledger.depth();
            expect(interactive).toBeLessThanOrEqual(live.size - claims.size);
          }
        }),
        { numRuns: 60 },
      );
    });
  });
}
