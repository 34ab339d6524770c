import { Injectable } from '@nestjs/common';
import { Subject } from 'rxjs';
import { Config } from '../../../config/config';
import { ServiceError } from '../../../errors/service-error';
import { Narrator } from '../../../observability/narrator';
import { prelude } from './prelude';
import { allScripts, type Script } from './script';
import { Store, type Argument, type Reply } from './store';
import { assertFit, durabilityOf, infoOf, type Durability } from './store-checks';
import { explained, StoreNewer, StoreUnfit } from './store-faults';
import { StoreLink } from './store-link';
import { shortageOf } from './store-room';

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;

/** What each connection is for: commands; those that wait to be durable, which hold up what comes after them; hints. */
const uses = ['commands', 'commits', 'hints'] as const;
type Use = (typeof uses)[number];

type Command = readonly (string | Buffer)[];

interface Commit {
  readonly command: Command;
  readonly script: Script;
  readonly settle: (reply: Reply) => void;
  readonly fail: (cause: unknown) => void;
}

/** Three connections to the server. One that breaks takes the others with it, and all come back together, after a while of chance length. */
@Injectable()
export class RedisStore extends Store {
  override readonly prefix: string;
  private readonly ups = new Subject<void>();
  override readonly up$ = this.ups.asObservable();
  private readonly newer = new Subject<number>();
  override readonly newer$ = this.newer.asObservable();
  private links: Readonly<Record<Use, StoreLink>> | undefined;
  private durability: Durability = { kind: 'reply' };
  private readonly listeners = new Map<string, Set<(message: string) => void>>();
  private readonly commits: Commit[] = [];
  private isCommitting = false;
  private isDurable = true;
  private isClosed = false;
  private retries = 0;
  private told = '';
  private retry: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: Config,
    private readonly narrator: Narrator,
  ) {
    super();
    this.prefix = `{${config.storeDeployment}}`;
    prelude.leaseMs = config.storeLeaseMs;
  }

  get isUp(): boolean {
    return this.links !== undefined;
  }

  async open(): Promise<void> {
    await this.connect(true);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.retry);
    this.drop();
  }

  async call(...command: readonly string[]): Promise<Reply> {
    return this.send('commands', command);
  }

  run(script: Script, ...args: readonly Argument[]): Promise<Reply> {
    return this.runOn('commands', script, args);
  }

  runDurably(script: Script, ...args: readonly Argument[]): Promise<Reply> {
    if (this.durability.kind === 'reply') return this.runOn('commands', script, args);
    return new Promise((settle, fail) => {
      this.commits.push({ command: this.invocation(script, args), script, settle, fail });
      if (!this.isCommitting) void this.commitAll();
    });
  }

  runForBytes(script: Script, ...args: readonly Argument[]): Promise<Buffer> {
    return this.sendScript('commands', this.invocation(script, args), script, 'bytes');
  }

  listen(channel: string, hear: (message: string) => void): () => void {
    const name = `${this.prefix}:${channel}`;
    let hearers = this.listeners.get(name);
    if (!hearers) {
      this.listeners.set(name, (hearers = new Set()));
      void this.links?.hints.subscribe(name, message => this.hear(name, message)).catch(() => undefined);
    }
    hearers.add(hear);
    return () => {
      hearers.delete(hear);
      if (hearers.size > 0 || this.listeners.get(name) !== hearers) return;
      this.listeners.delete(name);
      void this.links?.hints.unsubscribe(name).catch(() => undefined);
    };
  }

  private hear(name: string, message: string): void {
    for (const hear of [...(this.listeners.get(name) ?? [])]) hear(message);
  }

  /** Group commit: what came while one was under way goes together, behind one wait. */
  private async commitAll(): Promise<void> {
    this.isCommitting = true;
    while (this.commits.length > 0) {
      const batch = this.commits.splice(0);
      const replies = batch.map(({ command, script }) => this.sendScript('commits', command, script));
      const waited = this.send('commits', this.waitCommand());
      const settled = await Promise.allSettled(replies);
      const isDurable = await waited.then(
        reply => this.toldDurable(this.isEnough(reply)),
        () => false,
      );
      for (const [index, { settle, fail }] of batch.entries()) {
        const outcome = settled[index];
        if (outcome?.status === 'fulfilled' && isDurable) settle(outcome.value);
        else fail(outcome?.status === 'rejected' ? outcome.reason : new ServiceError('STORAGE_UNAVAILABLE'));
      }
    }
    this.isCommitting = false;
  }

  /** Says once that the server is there and does not make durable what it is given, and once that it does again. */
  private toldDurable(isDurable: boolean): boolean {
    if (isDurable === this.isDurable) return isDurable;
    this.isDurable = isDurable;
    if (isDurable) this.narrator.tell('The store makes durable again what it is given.', { event: 'store_durable' });
    else
      this.narrator.warn(
        this.durability.kind === 'wait'
          ? 'No replica of the store has what it was given within a second: nothing is acknowledged, for ORCHD_STORE_DURABILITY=replica. Look whether it has one that is connected.'
          : 'The store has not synced what it was given within three seconds: nothing is acknowledged, for ORCHD_STORE_DURABILITY=disk. Look at its disk.',
        { event: 'store_not_durable' },
      );
    return isDurable;
  }

  private waitCommand(): readonly string[] {
    return this.durability.kind === 'waitaof' ? ['WAITAOF', '1', '0', SYNC_MS] : ['WAIT', '1', WAIT_MS];
  }

  private isEnough(reply: Reply): boolean {
    return Array.isArray(reply) ? Number(reply[0]) >= 1 : Number(reply) >= 1;
  }

  private runOn(use: Use, script: Script, args: readonly Argument[]): Promise<Reply> {
    return this.sendScript(use, this.invocation(script, args), script);
  }

  private invocation(script: Script, args: readonly Argument[]): Command {
    const words = args.map(each => (typeof each === 'number' ? String(each) : each));
    return ['EVALSHA', script.sha, '1', this.prefix, ...words];
  }

  private async sendScript<T = Reply>(use: Use, command: Command, script: Script, as?: 'bytes'): Promise<T> {
    try {
      return await this.send<T>(use, command, as);
    } catch (thrown) {
      if (
        !(thrown instanceof ServiceError) ||
        !String((thrown.cause as Error | undefined)?.message).startsWith('NOSCRIPT')
      )
        throw thrown;
      return this.send<T>(use, ['EVAL', script.text, ...command.slice(2)], as);
    }
  }

  private async send<T = Reply>(use: Use, command: Command, as?: 'bytes'): Promise<T> {
    const { links } = this;
    if (!links) throw new ServiceError('STORAGE_UNAVAILABLE');
    try {
      return await links[use].send<T>(command, as);
    } catch (thrown) {
      throw this.translated(thrown as Error);
    }
  }

  private translated(thrown: Error): ServiceError {
    const { message } = thrown;
    // It is a replica now, or may not write: another server is to be looked for.
    if (/^(READONLY|MASTERDOWN|UNKILLABLE)/.test(message)) this.drop();
    if (message.startsWith('OOM')) return new ServiceError('STORAGE_FULL', {}, thrown);
    const isOurFault = /^(ERR |WRONGTYPE|NOPERM|CROSSSLOT)/.test(message);
    return new ServiceError(isOurFault ? 'INTERNAL' : 'STORAGE_UNAVAILABLE', {}, thrown);
  }

  private async connect(isFirst: boolean): Promise<void> {
    const made: StoreLink[] = [];
    const onBroken = (): void => this.drop();
    try {
      for (let count = 0; count < uses.length; count++) made.push(await StoreLink.connect(this.config, onBroken));
      const [commands, commits, hints] = made as [StoreLink, StoreLink, StoreLink];
      await assertFit(this.config, commands);
      this.durability = await durabilityOf(this.config, commands);
      if (isFirst) await this.tellShortage(commands);
      if (isFirst && this.durability.kind === 'wait') await this.tellMissingReplica(commands);
      await Promise.all(allScripts().map(({ text }) => commands.send(['SCRIPT', 'LOAD', text])));
      for (const name of this.listeners.keys()) await hints.subscribe(name, message => this.hear(name, message));
      if (this.isClosed) throw new Error('closed');
      this.links = { commands, commits, hints };
      this.retries = 0;
    } catch (thrown) {
      for (const link of made) link.break();
      const fault = explained(thrown as Error, this.config);
      if (isFirst) throw fault;
      this.tellOnce(fault);
      this.reconnectLater();
      return;
    }
    this.told = '';
    if (!isFirst) this.narrator.tell('The store is back.', { event: 'store_back' });
    this.ups.next();
  }

  private async tellShortage(link: StoreLink): Promise<void> {
    const shortage = await shortageOf(this.config, link);
    if (!shortage) return;
    const { human, ...figures } = shortage;
    this.narrator.warn(human, { event: 'store_small', ...figures });
  }

  /** No reason not to start: it may be on its way, and what has ended can be read meanwhile. */
  private async tellMissingReplica(link: StoreLink): Promise<void> {
    const replication = await infoOf(link, 'replication');
    if (Number(replication.get('connected_slaves')) > 0) return;
    this.narrator.warn(
      'The store has no replica, and ORCHD_STORE_DURABILITY=replica acknowledges nothing before one has it: submissions are refused until one is connected.',
      { event: 'store_without_replica' },
    );
  }

  /** Whatever keeps a node from its store, when it changes: a password that was changed there, a server that came back without its AOF. */
  private tellOnce(fault: Error): void {
    if (fault.message === this.told || !(fault instanceof StoreUnfit)) return;
    this.told = fault.message;
    if (fault instanceof StoreNewer) return this.newer.next(fault.layout);
    this.narrator.warn(`The store cannot be used: ${fault.message}.`, { event: 'store_unfit' });
  }

  private drop(): void {
    const { links } = this;
    if (!links) return;
    this.links = undefined;
    for (const use of uses) links[use].break();
    if (this.isClosed) return;
    this.narrator.warn('The connection to the store broke; it is made anew.', { event: 'store_lost' });
    this.reconnectLater();
  }

  /** Full jitter: nodes that lost their server together do not come back together. */
  private reconnectLater(): void {
    if (this.isClosed) return;
    clearTimeout(this.retry);
    const mostMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.retries++);
    this.retry = setTimeout(() => void this.connect(false), Math.random() * mostMs);
  }
}

/** Of one wait, in milliseconds. */
const WAIT_MS = '1000';
/** With `appendfsync everysec` the next sync may be a second away, and takes its time itself. */
const SYNC_MS = '3000';
