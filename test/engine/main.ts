import { settingsFrom, usage, UsageError } from './command-line';
import { startEngine } from './engine';

/** Prints one JSON line once it listens; ends with 0 on SIGINT or SIGTERM, 2 for wrong arguments, 1 where it cannot listen. */
async function main(): Promise<void> {
  const settings = settingsFrom(process.argv.slice(2));
  if (!settings) {
    process.stdout.write(usage());
    return;
  }
  // SIGKILL, so that the death is as sudden as a crash: nothing is tidied up, the handoff file stays.
  const engine = await startEngine({ ...settings, die: () => process.kill(process.pid, 'SIGKILL') });
  const { url, port } = engine;
  const human = `The stand-in engine listens on ${url}.`;
  process.stdout.write(`${JSON.stringify({ event: 'listening', url, port, pid: process.pid, human })}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void engine.stop().then(() => process.exit(0)));
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
});
