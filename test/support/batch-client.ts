import { eventually, LAST_RESORT_MS } from './deadline';

/** As far as tests look into it. */
export interface BatchSeen {
  readonly id: string;
  readonly status: string;
  readonly errors?: {
    readonly data: readonly { code: string; message: string; param: string | null; line: number | null }[];
  };
  readonly output_file_id: string | null;
  readonly error_file_id: string | null;
  /** Unix seconds. */
  readonly created_at: number;
  readonly in_progress_at: number | null;
  readonly finalizing_at: number | null;
  readonly completed_at: number | null;
  readonly request_counts: { readonly total: number; readonly completed: number; readonly failed: number };
  readonly usage: {
    readonly input_tokens: number;
    readonly input_tokens_details: { readonly cached_tokens: number };
    readonly output_tokens: number;
    readonly output_tokens_details: { readonly reasoning_tokens: number };
    readonly total_tokens: number;
  };
  readonly metadata: Readonly<Record<string, string>> | null;
}

/** A line of an output or error file. */
export interface ResultLine {
  readonly id: string;
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly body: Readonly<Record<string, unknown>> } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export const ended = ['completed', 'failed', 'expired', 'cancelled'];

/** One request of a chat as a line of a batch. */
export function chatLine(customId: string, more: object = {}): string {
  const body = {
    model: 'some-model',
    messages: [{ role: 'user', content: `Hello ${customId}` }],
    max_tokens: 4,
    ...more,
  };
  return JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/chat/completions', body });
}

/** Makes batches of a running service, and reads what they come to. */
export class BatchClient {
  constructor(
    private readonly url: string,
    private readonly apiKey = 'test-key',
  ) {}

  async upload(content: string | Blob, purpose = 'batch'): Promise<string> {
    const form = new FormData();
    form.set('purpose', purpose);
    form.set('file', new Blob([content]), 'lines.jsonl');
    return (await this.ask<{ id: string }>('/v1/files', { method: 'POST', body: form })).id;
  }

  create(fileId: string, more: object = {}): Promise<BatchSeen> {
    const body = { input_file_id: fileId, endpoint: '/v1/chat/completions', completion_window: '24h', ...more };
    const headers = { 'Content-Type': 'application/json' };
    return this.ask('/v1/batches', { method: 'POST', body: JSON.stringify(body), headers });
  }

  async begin(lines: readonly string[], more: object = {}): Promise<BatchSeen> {
    return this.create(await this.upload(lines.map(line => `${line}\n`).join('')), more);
  }

  get(id: string): Promise<BatchSeen> {
    return this.ask(`/v1/batches/${id}`);
  }

  /** A page, newest first. */
  list(after?: string, limit = 100): Promise<{ readonly data: readonly BatchSeen[]; readonly has_more: boolean }> {
    return this.ask(`/v1/batches?limit=${limit}${after === undefined ? '' : `&after=${after}`}`);
  }

  /** A page of all tasks, newest first. */
  tasks(
    cursor?: string,
    limit = 100,
  ): Promise<{ readonly items: readonly { readonly task_id: string }[]; readonly next_cursor?: string }> {
    return this.ask(`/v2/tasks?limit=${limit}${cursor === undefined ? '' : `&cursor=${cursor}`}`);
  }

  cancel(id: string): Promise<BatchSeen> {
    return this.ask(`/v1/batches/${id}/cancel`, { method: 'POST' });
  }

  until(id: string, wanted: (batch: BatchSeen) => boolean, deadlineMs = LAST_RESORT_MS): Promise<BatchSeen> {
    return eventually(() => this.get(id), wanted, deadlineMs);
  }

  untilEnded(id: string, deadlineMs?: number): Promise<BatchSeen> {
    return this.until(id, ({ status }) => ended.includes(status), deadlineMs);
  }

  /** Deletes a file. */
  async remove(fileId: string): Promise<void> {
    await this.ask(`/v1/files/${fileId}`, { method: 'DELETE' });
  }

  /** The lines of a file that a batch has written; none of one that it has not. */
  async results(fileId: string | null): Promise<ResultLine[]> {
    if (fileId === null) return [];
    const text = await this.content(fileId);
    return text
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as ResultLine);
  }

  async content(fileId: string): Promise<string> {
    const answer = await fetch(`${this.url}/v1/files/${fileId}/content`, { headers: { 'X-API-Key': this.apiKey } });
    return answer.text();
  }

  private async ask<T>(path: string, init: RequestInit = {}): Promise<T> {
    const headers = { 'X-API-Key': this.apiKey, ...(init.headers as Record<string, string>) };
    const answer = await fetch(this.url + path, { ...init, headers, signal: AbortSignal.timeout(LAST_RESORT_MS) });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }
}
