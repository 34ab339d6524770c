import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { ApiRecords } from '../../records/api-records.port';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import type { ResponseEnd } from '../answers/response-facts';
import type { StoredResponse } from './stored-response';

/** Removed beside one that is written: mostly there is one too many. */
const TRIM_STEP = 20;

/** The responses that are kept, by id. */
@Injectable()
export class ResponseRecords {
  constructor(
    private readonly config: Config,
    private readonly records: ApiRecords,
    private readonly runningTime: RunningTime,
    private readonly clock: Clock,
  ) {}

  async begin(response: StoredResponse): Promise<void> {
    const text = JSON.stringify(response);
    await Promise.all([
      this.records.insert({ kind: 'response', id: response.id, text, isOpen: true }),
      this.keepBounds(),
    ]);
  }

  /** Resolves to the response as it is then, or undefined where it was deleted meanwhile. */
  async finish(response: StoredResponse, end: ResponseEnd): Promise<StoredResponse | undefined> {
    const completedAt = this.clock.wallSeconds();
    const finished = { ...response, end, ...(end.status === 'completed' && { completedAt }) };
    const keptFromMs = this.runningTime.nowMs();
    const text = JSON.stringify(finished);
    const [isThere] = await Promise.all([
      this.records.replace({ kind: 'response', id: response.id, text, isOpen: false, keptFromMs }),
      this.keepBounds(),
    ]);
    return isThere ? finished : undefined;
  }

  /** Called in the turn of what is written, it shares its sync: more than allowed are never there, but for those that have not ended. */
  private async keepBounds(): Promise<void> {
    const { responsesMax: records, responsesMaxBytes: bytes } = this.config;
    await this.records.trim('response', { records, bytes }, TRIM_STEP);
  }

  async find(id: string): Promise<StoredResponse | undefined> {
    const record = await this.records.find('response', id);
    return record && (JSON.parse(record.text) as StoredResponse);
  }

  /** @throws ServiceError RESPONSE_NOT_FOUND */
  async get(id: string): Promise<StoredResponse> {
    const found = await this.find(id);
    if (!found) throw unknownResponse(id);
    return found;
  }

  async remove(id: string): Promise<void> {
    if (!(await this.records.remove('response', id))) throw unknownResponse(id);
  }

  async unfinished(): Promise<readonly StoredResponse[]> {
    const open = await this.records.open('response');
    return open.map(({ text }) => JSON.parse(text) as StoredResponse);
  }

  /** Removes up to `limit` that ended before this; resolves to how many. */
  async expire(keptBeforeMs: number, limit: number): Promise<number> {
    const ids = await this.records.expired('response', keptBeforeMs, limit);
    await Promise.all(ids.map(id => this.records.remove('response', id)));
    return ids.length;
  }
}

export function unknownResponse(id: string, field?: string): ServiceError {
  const message = `There is no response ${id.slice(0, 128)}.`;
  return new ServiceError('RESPONSE_NOT_FOUND', { message, ...(field !== undefined && { field }) });
}
