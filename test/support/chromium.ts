import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { LAST_RESORT_MS } from './deadline';

const PATH = '/usr/bin/chromium';

/** Headless, within a container that has no user namespaces, and with nothing that asks the network by itself. */
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** False, with a line that says so, where the machine has no Chromium; in CI that is an error. */
export function hasChromium(): boolean {
  if (existsSync(PATH)) return true;
  const reason = `there is no ${PATH} (Debian's package chromium)`;
  if (process.env.CI) throw new Error(`${reason}, and CI must not go without`);
  process.stdout.write(`skipped: ${reason}\n`);
  return false;
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: PATH, args: ARGS, timeout: LAST_RESORT_MS });
}
