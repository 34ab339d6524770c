import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Preloaded into a server whose memory is measured: on SIGUSR2 its garbage is collected and what is left in use goes to its log.
 * RSS cannot tell that, for pages that were once needed stay.
 */
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
let answers = 0;

process.on('SIGUSR2', () => {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ event: 'memory', answer: ++answers, heapBytes: heapUsed + external })}\n`);
});
