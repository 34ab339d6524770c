import { closeSync, openAsBlob, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { latencyOf, type Latency } from '../bench/figures';
import { BatchClient, chatLine } from '../support/batch-client';
import { eventually } from '../support/deadline';
import { startEngineProcess, type EngineProcess } from '../support/engine-process';
import { startService, type RunningService } from '../support/service';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

/** Interactive requests a second. */
const RATE = 10;
const SAMPLE_MS = 100;

/** The built service with a stand-in engine, each a process of its own, and what is done to them. */
export class Stage {
  fileId = '';
  fileBytes = 0;

  private constructor(
    private readonly engine: EngineProcess,
    private readonly service: RunningService,
    private readonly folder: TemporaryFolder,
    readonly client: BatchClient,
  ) {}

  static async open(pace: { slots: number; tokensPerSecond: number; prefillMs: number }): Promise<Stage> {
    const engine = await startEngineProcess([
      ...['--wire', 'vllm', '--model', 'some-model', '--slots', String(pace.slots)],
      ...['--tokens-per-second', String(pace.tokensPerSecond), '--prefill-ms', String(pace.prefillMs)],
    ]);
    const service = await startService({
      env: {
        ORCHD_ENGINE_URLS: `vllm=${engine.url}`,
        ORCHD_ENGINE_SLOTS: String(pace.slots),
        ORCHD_BATCH_MAX_LINES: '1000000',
      },
    });
    const pool = async () => (await service.request('GET', '/v2/pools/vllm/health')).json<{ ready?: boolean }>();
    await eventually(pool, ({ ready }) => ready === true);
    return new Stage(engine, service, temporaryFolder(), new BatchClient(service.url, service.apiKey));
  }

  async close(): Promise<void> {
    await this.service.stop('SIGKILL');
    await this.engine.stop();
    this.folder.remove();
  }

  /** A file of so many requests, each as long. */
  async upload(lines: number, lineBytes: number): Promise<void> {
    const path = join(this.folder.path, 'lines.jsonl');
    const file = openSync(path, 'w');
    for (let at = 0; at < lines; at++) {
      const bare = chatLine(`line-${at}`, { max_tokens: 4, messages: [{ role: 'user', content: '' }] });
      const content = 'x '.repeat(Math.max(1, Math.floor((lineBytes - bare.length - 1) / 2)));
      writeSync(file, `${chatLine(`line-${at}`, { max_tokens: 4, messages: [{ role: 'user', content }] })}\n`);
    }
    closeSync(file);
    this.fileBytes = statSync(path).size;
    this.fileId = await this.client.upload(await openAsBlob(path));
  }

  /** Streams chats at a steady rate, whatever becomes of those before; the times to their first tokens. */
  async interactive(forMs: number): Promise<Latency> {
    const asked: Promise<number>[] = [];
    const endMs = performance.now() + forMs;
    while (performance.now() < endMs) {
      asked.push(this.firstTokenMs());
      await pause(1000 / RATE);
    }
    return latencyOf(await Promise.all(asked));
  }

  residentBytes(): number {
    const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.service.pid}/status`, 'utf8')) ?? [];
    return Number(kib) * 1024;
  }

  /** Looks at it all the time; its end tells the most there was. */
  watchMemory(): { end(): number } {
    let most = 0;
    const timer = setInterval(() => (most = Math.max(most, this.residentBytes())), SAMPLE_MS);
    return {
      end: () => {
        clearInterval(timer);
        return most;
      },
    };
  }

  private async firstTokenMs(): Promise<number> {
    const startMs = performance.now();
    const answer = await fetch(`${this.service.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'X-API-Key': this.service.apiKey, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        model: 'some-model',
        messages: [{ role: 'user', content: 'Hi' }],
        max_tokens: 8,
        stream: true,
      }),
    });
    if (!answer.ok || !answer.body) throw new Error(`answered ${answer.status}: ${await answer.text()}`);
    let firstMs: number | undefined;
    let text = '';
    for await (const piece of answer.body) {
      text += Buffer.from(piece as Uint8Array).toString();
      if (firstMs === undefined && /"content":"[^"]/.test(text)) firstMs = performance.now() - startMs;
    }
    if (firstMs === undefined) throw new Error(`no token: ${text.slice(0, 300)}`);
    return firstMs;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
