import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startService, type RunningService } from '../support/service';
import { bodyRoutes, type BodyRoute } from './body-routes';
import type { LongestBlock } from './longest-block';
import { shapes, type Shape } from './shapes';

/**
 * Sends each route that takes a body each hostile shape of one, and says how long the event loop of the service was held at the longest.
 * Other work on the machine makes that longer, never shorter: the least of some repeats is closest to what the service does.
 *
 * Usage: node -r ./tools/sources.cjs test/freeze/main.ts [--repeats 5] [--program dist/main.js] [--route /v2/tasks] [--shape members]
 */
const { values } = parseArgs({
  options: {
    repeats: { type: 'string', default: '5' },
    program: { type: 'string', default: 'dist/main.js' },
    route: { type: 'string' },
    shape: { type: 'string' },
  },
});

const GOAL_MS = 50;
/** As many have room for bodies of 4 MiB. */
const AT_ONCE = 12;
const BYTE_CHUNK = '1\r\nx\r\n';
const DEADLINE_MS = 300_000;
const WORKER_TOKEN = 'worker-token';

type Block = Omit<LongestBlock, 'event'>;

/** Of one shape at one route: the least of all repeats, of each. */
interface Figure {
  readonly route: BodyRoute;
  readonly shape: Shape;
  readonly statuses: ReadonlySet<number>;
  /** From one turn of the timer to the next, whoever had the cores. */
  readonly wallMs: number;
  /** Of that, what the service is the cause of: without the time that it waited for a core. */
  readonly heldMs: number;
  readonly cpuMs: number;
}

async function main(): Promise<void> {
  const routes = (await bodyRoutes()).filter(({ path }) => values.route === undefined || path === values.route);
  const chosen = shapes.filter(({ name }) => values.shape === undefined || name === values.shape);
  const service = await startService({
    program: values.program,
    nodeArgs: ['-r', resolve('tools/sources.cjs'), '-r', resolve(__dirname, 'longest-block.ts')],
    env: {
      AUTH_TOKEN: WORKER_TOKEN,
      ORCHD_FALLBACK: 'wait',
      ORCHD_ADMISSION_CAPACITY: '100000',
      ORCHD_QUEUE_MAX_BYTES: String(64 * 1024 ** 3),
    },
  });
  try {
    const figures: Figure[] = [];
    await blockOf(service); // Its start.
    for (const route of routes) {
      const once = (body: Buffer) => send(service, route, body);
      for (const shape of chosen) figures.push(await measure(service, route, shape, once));
    }
    // How it comes is the same for all routes.
    for (const route of routes.filter(({ path }) => path === '/v2/tasks')) {
      for (const shape of chosen.filter(({ name }) => name.startsWith('all of them'))) {
        const together = { ...shape, name: `${shape.name}, ${AT_ONCE} at once` };
        figures.push(await measure(service, route, together, body => sendTogether(service, route, body)));
        const inBytes = { ...shape, name: `${shape.name}, byte by byte` };
        figures.push(await measure(service, route, inBytes, body => sendByteByByte(service, route, body)));
      }
    }
    report(figures);
  } finally {
    await service.stop();
  }
}

async function measure(
  service: RunningService,
  route: BodyRoute,
  shape: Shape,
  send: (body: Buffer) => Promise<readonly number[]>,
): Promise<Figure> {
  const statuses = new Set<number>();
  const blocks: Block[] = [];
  for (let n = 0; n < Number(values.repeats); n++) {
    const body = shape.body(route.fields, `k${++bodies}_`);
    for (const status of await send(body)) statuses.add(status);
    blocks.push(await blockOf(service));
  }
  const least = (of: (block: Block) => number): number => Math.min(...blocks.map(of));
  return {
    route,
    shape,
    statuses,
    wallMs: least(({ wallMs }) => wallMs),
    // Both are accounted for by ticks: what had a core was held, whatever was waited.
    heldMs: least(({ wallMs, cpuMs, stolenMs }) => Math.max(wallMs - stolenMs, cpuMs)),
    cpuMs: least(({ cpuMs }) => cpuMs),
  };
}

async function send(service: RunningService, { method, path }: BodyRoute, body: Buffer): Promise<number[]> {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${WORKER_TOKEN}` };
  return [(await service.request(method, path, { headers, body, deadlineMs: DEADLINE_MS })).status];
}

async function sendTogether(service: RunningService, route: BodyRoute, body: Buffer): Promise<number[]> {
  return (await Promise.all(Array.from({ length: AT_ONCE }, () => send(service, route, body)))).flat();
}

/** Each byte in a chunk of its own. */
async function sendByteByByte(service: RunningService, { method, path }: BodyRoute, body: Buffer): Promise<number[]> {
  const head =
    `${method} ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${service.apiKey}\r\nContent-Type: application/json\r\n` +
    'Transfer-Encoding: chunked\r\n\r\n';
  const chunks = Buffer.alloc(body.length * BYTE_CHUNK.length, BYTE_CHUNK);
  for (let n = 0; n < body.length; n++) chunks[n * BYTE_CHUNK.length + BYTE_CHUNK.indexOf('x')] = body[n] as number;
  const bytes = Buffer.concat([Buffer.from(head), chunks, Buffer.from('0\r\n\r\n')]);
  return [(await service.rawRequest(bytes, DEADLINE_MS)).status];
}

let asked = 0;
let bodies = 0;

async function blockOf(service: RunningService): Promise<Block> {
  asked++;
  let seen = 0;
  service.signal('SIGUSR2');
  const line = await service.waitForLog(({ event }) => event === 'longest_block' && ++seen === asked, 300_000);
  return line as unknown as Block;
}

function report(figures: readonly Figure[]): void {
  const ms = (value: number): string => value.toFixed(1).padStart(8);
  console.log(
    `\nThe longest that the event loop was held, in ms; of ${values.repeats} repeats the least. Goal: held <= ${GOAL_MS}.`,
  );
  console.log(
    'wall: as a clock has it, with what other programs took of the machine. held: less the time without a core.\n',
  );
  console.log(`${'route'.padEnd(36)} ${'shape'.padEnd(32)} ${'answers'.padEnd(10)}     wall     held      cpu`);
  for (const { route, shape, statuses, wallMs, heldMs, cpuMs } of figures) {
    const where = `${route.method} ${route.path}`.padEnd(36);
    const times = `${ms(wallMs)} ${ms(heldMs)} ${ms(cpuMs)}`;
    const late = heldMs > GOAL_MS ? '  <- too long' : '';
    console.log(`${where} ${shape.name.padEnd(32)} ${[...statuses].join(' ').padEnd(10)} ${times}${late}`);
  }
  const longest = (of: (figure: Figure) => number): string => Math.max(...figures.map(of)).toFixed(1);
  console.log(`\n${figures.length} figures; the longest: ${longest(figure => figure.heldMs)} ms held,`);
  console.log(`${longest(figure => figure.wallMs)} ms by the clock, ${longest(figure => figure.cpuMs)} ms of CPU time`);
  if (figures.some(({ heldMs }) => heldMs > GOAL_MS)) process.exitCode = 1;
}

void main();
