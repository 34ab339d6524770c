import { Connection } from './connection';
import { exchange } from './exchange';
import {
  admissionRequest,
  chatRequest,
  completionRequest,
  DEADLINE_MS,
  embeddingsRequest,
  eventsRequest,
  messagesRequest,
  responsesRequest,
  type Target,
} from './requests';
import { TokenCheck } from './token-check';

/** What one stream was like. */
export interface StreamSeen {
  readonly tokens: number;
  readonly firstTokenMs: number;
}

/** One after another, the streams of one client: with a connection of its own, and a session or one a task. */
export class StreamClient {
  private connection: Connection;
  private tasks = 0;

  /** `name` is in the ids of its tasks and is that of its session. */
  constructor(
    private readonly target: Target,
    private readonly apiKey: string,
    private readonly name: string,
    private readonly sessionEach = false,
  ) {
    this.connection = new Connection(target.port);
  }

  close(): void {
    this.connection.close();
  }

  /** Submits one task and reads it to its end. Rejects with whatever was not as it should be; the next has a new connection. */
  async read(tokens: number): Promise<StreamSeen> {
    const startMs = performance.now();
    if (!this.connection.isOpen) this.connection = new Connection(this.target.port);
    try {
      const { kind } = this.target;
      if (kind === 'whole-chat' || kind === 'embeddings' || kind === 'embeddings-base64')
        return await this.readWhole(kind, tokens, startMs);
      return await this.follow(await this.streamRequest(tokens), tokens, startMs);
    } catch (cause) {
      this.connection.close();
      this.connection = new Connection(this.target.port);
      throw cause;
    }
  }

  private async streamRequest(tokens: number): Promise<string> {
    const { kind } = this.target;
    if (kind === 'engine') return completionRequest(tokens);
    if (kind === 'chat') return chatRequest(this.apiKey, tokens, true);
    if (kind === 'responses') return responsesRequest(this.apiKey, tokens);
    if (kind === 'messages') return messagesRequest(this.apiKey, tokens);
    const taskId = `${this.name}-${++this.tasks}`;
    const request = admissionRequest(
      this.apiKey,
      taskId,
      this.sessionEach ? `s-${taskId}` : this.name,
      tokens,
      DEADLINE_MS,
      kind === 'service-chat',
    );
    const { status, text } = await exchange(this.connection, request);
    if (status !== 202) throw new Error(`an admission was answered ${status} ${text}`);
    return eventsRequest(this.apiKey, taskId);
  }

  private async readWhole(
    kind: 'whole-chat' | 'embeddings' | 'embeddings-base64',
    tokens: number,
    startMs: number,
  ): Promise<StreamSeen> {
    const isChat = kind === 'whole-chat';
    const format = kind === 'embeddings' ? 'float' : 'base64';
    const request = isChat ? chatRequest(this.apiKey, tokens, false) : embeddingsRequest(this.apiKey, tokens, format);
    const { status, text } = await exchange(this.connection, request);
    const vectors = text.split(format === 'float' ? '"embedding":[' : '"embedding":"').length - 1;
    const isWhole = isChat ? text.includes('"#0 ') && text.includes(`#${tokens - 1} "`) : vectors === tokens;
    if (status !== 200 || !isWhole) throw new Error(`answered ${status} ${text.slice(0, 300)}`);
    return { tokens, firstTokenMs: performance.now() - startMs };
  }

  private follow(request: string, tokens: number, startMs: number): Promise<StreamSeen> {
    const check = new TokenCheck(this.target.endMark, this.target.tokenMark);
    let [status, firstTokenMs] = [0, 0];
    return new Promise((resolve, reject) => {
      this.connection.send(request, {
        head: received => (status = received),
        body: part => {
          check.take(part);
          if (firstTokenMs === 0 && check.tokens > 0) firstTokenMs = performance.now() - startMs;
        },
        end: () => {
          const fault = status === 200 ? check.faultAtEnd(tokens) : `a stream was answered ${status}`;
          if (fault === undefined) resolve({ tokens: check.tokens, firstTokenMs });
          else reject(new Error(fault));
        },
        broken: reject,
      });
    });
  }
}
