import { folder, install } from './installation';
import { readOptions, usage } from './options';
import { startOften, type Starts } from './starts';
import { unitSuite, type UnitTests } from './unit-suite';

/**
 * The service and its unit tests under several versions of Node, each with packages that were installed with it. Exit code 1 where
 * anything aborted, failed or did not get its turn.
 */

interface Row {
  readonly version: string;
  readonly starts?: Starts;
  readonly unit?: UnitTests | 'not run' | undefined;
  readonly fault?: string;
}

const FAULTS_SHOWN = 20;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (process.platform !== 'linux') throw new Error('the packages that hold a Node are used for Linux only');
  const untilMs = performance.now() + options.minutes * 60_000;
  const rows: Row[] = [];
  for (const version of options.nodes) {
    say(`Node ${version}: installing (${folder}) …`);
    try {
      const installation = await install(version, untilMs);
      say(`Node ${version}: ${options.starts} starts …`);
      const starts = await startOften(installation, options.starts, options.lanes, untilMs);
      for (const fault of [...starts.aborted, ...starts.failed].slice(0, FAULTS_SHOWN)) say(`  ${fault}`);
      if (options.unit) say(`Node ${version}: unit tests, see ${installation.log} …`);
      const unit = options.unit ? await unitSuite(installation, untilMs) : 'not run';
      if (typeof unit === 'object') for (const name of unit.failed.slice(0, FAULTS_SHOWN)) say(`  ${name}`);
      rows.push({ version, starts, unit });
    } catch (fault) {
      say(`  ${(fault as Error).message}`);
      rows.push({ version, fault: (fault as Error).message });
    }
  }
  say(table(rows));
  if (rows.some(row => !isWell(row, options.starts))) process.exitCode = 1;
}

function isWell({ starts, unit }: Row, wanted: number): boolean {
  if (!starts || starts.done < wanted || starts.aborted.length + starts.failed.length > 0) return false;
  return unit === 'not run' || unit?.well === true;
}

function table(rows: readonly Row[]): string {
  const cells = rows.map(({ version, starts, unit, fault }) => {
    if (!starts) return [version, '–', '–', '–', '–', fault ?? ''];
    const tests = typeof unit === 'object' ? described(unit) : (unit ?? 'not ended');
    const counts = [starts.done, starts.aborted.length, starts.failed.length].map(String);
    return [version, ...counts, Number.isNaN(starts.medianMs) ? '–' : (starts.medianMs / 1000).toFixed(1), tests];
  });
  const lines = [['Node', 'starts', 'aborted', 'failed', 's each', 'unit tests'], ...cells];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0))) ?? [];
  return `\n${lines
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}

function described({ passed, failed, skipped, well }: UnitTests): string {
  const counts = `${passed} passed, ${failed.length} failed, ${skipped} skipped`;
  return well || failed.length > 0 ? counts : `${counts}, and not well`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((fault: unknown) => {
  process.stderr.write(`${(fault as Error).message}\n\n${usage}\n`);
  process.exitCode = 2;
});
