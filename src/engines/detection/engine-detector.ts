import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import type { EngineTarget } from '../engine-adapter.port';
import { EngineHttp } from '../wire/engine-http';
import { itemsOf, membersOf, parseJson } from '../wire/engine-json';

const ANSWER_BYTES = 4 * 1024 * 1024;
/** For all questions together. */
const TIME_LIMIT_MS = 3_000;
/** What servers of OpenAI's API say that their models are owned by. */
const owners: Readonly<Record<string, string>> = { vllm: 'vllm', sglang: 'sglang', llamacpp: 'llamacpp' };

/** Finds out of what kind an engine is by what it answers, where nobody has said. */
@Injectable()
export class EngineDetector {
  constructor(private readonly http: EngineHttp) {}

  /** Undefined for one that does not answer, or gives no sign. */
  async kindOf(target: EngineTarget): Promise<string | undefined> {
    const signal = AbortSignal.timeout(TIME_LIMIT_MS);
    const ask = async (route: string): Promise<{ readonly status: number; readonly text: string }> =>
      this.http.askText(target, { method: 'GET', route, maxAnswerBytes: ANSWER_BYTES }, signal);
    try {
      const models = await ask('/v1/models');
      const listed = membersOf(parseJson(models.text));
      const owner = membersOf(itemsOf(listed['data'], 1)[0])['owned_by'];
      const known = typeof owner === 'string' ? owners[owner] : undefined;
      if (known !== undefined) return known;
      // llama.cpp's own words while it loads, and for who has no key.
      const { type } = membersOf(listed['error']);
      if (type === 'unavailable_error' || type === 'authentication_error') return 'llamacpp';
      const [root, info, server, props] = [await ask('/'), await ask('/info'), await ask('/v2'), await ask('/props')];
      if (root.text.includes('Ollama is running')) return 'ollama';
      if ('max_concurrent_requests' in membersOf(parseJson(info.text))) return 'tgi';
      if (membersOf(parseJson(server.text))['name'] === 'triton') return 'triton';
      const { total_slots: slots, role } = membersOf(parseJson(props.text));
      if (slots !== undefined || role === 'router') return 'llamacpp';
      return models.status === 200 && Array.isArray(listed['data']) ? 'openai' : undefined;
    } catch (error) {
      if (error instanceof ServiceError) return undefined;
      throw error;
    }
  }
}
