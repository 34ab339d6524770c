import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { run } from './command';

/** A version of Node, and a copy of the project that was installed and built with it. */
export interface Installation {
  readonly version: string;
  /** Path of the program. */
  readonly node: string;
  /** The copy's folder. */
  readonly project: string;
  /** For what is run with it. */
  readonly env: NodeJS.ProcessEnv;
  /** Where what is run prints to. */
  readonly log: string;
}

const root = resolve(__dirname, '../..');

/** Kept from run to run: a Node has 190 MB, its packages 450 MB. */
export const folder = join(tmpdir(), 'orchestratord-nodes');

/**
 * Fetches that Node by npm, copies what git knows of the project (uncommitted changes too), installs and builds it. What was
 * installed by an earlier run from the same lock is used again. Throws, naming the log, where a step fails.
 */
export async function install(version: string, untilMs: number): Promise<Installation> {
  const home = join(folder, version);
  const log = join(home, 'log.txt');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const packageName = `node-linux-${process.arch}`;
  const nodeHome = join(home, 'node', 'node_modules', packageName);
  const node = join(nodeHome, 'bin', 'node');
  const project = join(home, 'project');
  const npm = npmProgram();
  const env = {
    ...process.env,
    PATH: [dirname(node), process.env.PATH].join(delimiter),
    // For what is compiled: the headers come with the package.
    npm_config_nodedir: nodeHome,
  };
  const step = async (program: string, args: string[], cwd: string): Promise<void> => {
    const code = await run(program, { args, cwd, env, log, timeoutMs: untilMs - performance.now() });
    if (code !== 0) throw new Error(`Node ${version}: "${args.slice(-3).join(' ')}" failed, see ${log}`);
  };
  if (!existsSync(node)) {
    const target = join(home, 'node');
    mkdirSync(target, { recursive: true });
    const what = ['install', '--prefix', target, '--no-save', '--ignore-scripts', `${packageName}@${version}`];
    await step(process.execPath, [npm, ...what], target);
  }
  copyProject(project);
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(home, 'installed-lock');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
    rmSync(stamp, { force: true });
    await step(node, [npm, 'ci', '--no-audit', '--no-fund'], project);
    writeFileSync(stamp, lock);
  }
  await step(node, [npm, 'run', 'build'], project);
  return { version, node, project, env, log };
}

/** As `npm run` tells it; each Node runs it itself, so that npm chooses packages for that one. */
function npmProgram(): string {
  const { npm_execpath: npm } = process.env;
  if (npm === undefined || !/npm-cli\.js$/.test(npm)) throw new Error('start this by "npm run test:node-versions"');
  return npm;
}

function copyProject(project: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const part of ['src', 'test', 'features', 'tools', 'dist']) {
    rmSync(join(project, part), { recursive: true, force: true });
  }
  for (const file of new Set(listed.toString().split('\0'))) {
    if (file !== '' && existsSync(join(root, file))) cpSync(join(root, file), join(project, file));
  }
}
