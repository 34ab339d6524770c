import { shown, times } from '../figures';
import type { QueueTimes } from '../inside/queue-operations';
import { runInside } from '../inside/report-back';
import type { Part } from '../part';

const FEW = 1000;
const MANY = 1_000_000;
const GOAL_US = 10;
/** A run is about ten milliseconds, so many of them cost little. */
const RUNS = 15;

const operations: readonly (readonly [name: string, key: keyof QueueTimes])[] = [
  ['offer and confirm', 'offerUs'],
  ['position of any', 'positionUs'],
  ['remove any (cancel)', 'removeUs'],
  ['take the head of a lane', 'takeUs'],
];

/** What an operation of the queue takes, and how that grows with its depth. */
export const queue: Part = {
  name: 'queue',
  title: 'Queue: the cost of a place',
  async run() {
    const few = await runInside<QueueTimes>('queue-operations.ts', [FEW, RUNS]);
    const many = await runInside<QueueTimes>('queue-operations.ts', [MANY, RUNS]);
    return {
      method: [
        `The queue in memory by itself, through its port: two classes, eight lanes, ${FEW.toLocaleString('en-US')} and ` +
          `${MANY.toLocaleString('en-US')} tasks in it (within a run up to 1,000 more); wall time of each call, awaited one by one. Medians of ${RUNS} runs of 500 or 1,000 calls.`,
      ],
      tables: [
        {
          caption: 'Microseconds a call',
          head: ['', `at ${FEW.toLocaleString('en-US')}`, `at ${MANY.toLocaleString('en-US')}`, 'growth'],
          rows: operations.map(([name, key]) => [name, shown(few[key]), shown(many[key]), times(many[key], few[key])]),
        },
      ],
      goals: operations.map(([name, key]) => ({
        what: `Queue, ${name}, at ${MANY.toLocaleString('en-US')} queued`,
        got: many[key],
        atMost: GOAL_US,
        unit: 'µs',
      })),
    };
  },
};
