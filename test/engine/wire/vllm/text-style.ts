import { tokenize } from '../../vocabulary';
import type { Answer, Finish } from '../openai/chat-format';
import { finishOf } from '../openai/chat-format';
import { countsOf, countsSoFar } from '../openai/counts';
import { wholeLogprobs, wholeText, type TextStyle } from '../openai/text-format';
import { textRefusals } from './errors';
import { FINGERPRINT, plainUsage, streamUsage, type StreamOptions } from './usage';

/** `/v1/completions` of vLLM. */
export function vllmTextStyle({ id, created, model }: Answer, options: StreamOptions, echo: boolean): TextStyle {
  const reason = ({ why }: Finish) => (why === 'limit' ? 'length' : 'stop');
  const stopReason = ({ why, stoppingWord }: Finish) => (why === 'word' ? stoppingWord : null);
  const head = { id, object: 'text_completion', created, model };
  return {
    refusals: textRefusals,
    headAt: 'request',
    echo,
    finishWithText: true,
    choice: (run, text, finish, logprobs, first) => ({
      index: run.index,
      text,
      logprobs,
      finish_reason: finish ? reason(finish) : null,
      stop_reason: finish ? stopReason(finish) : null,
      prompt_token_ids: echo && first ? tokenize(run.request.prompt) : null,
      token_ids: null,
    }),
    chunk: (choices, { last, run }) => ({
      ...head,
      choices,
      ...(options.continuous && run && { usage: streamUsage(countsSoFar(run), false, true) }),
      ...(last && { system_fingerprint: FINGERPRINT }),
    }),
    usageChunk: results =>
      options.includeUsage
        ? { ...head, choices: [], usage: streamUsage(countsOf(results), false, false), system_fingerprint: FINGERPRINT }
        : undefined,
    plain: results => ({
      ...head,
      choices: results.map(result => {
        const finish = finishOf(result.source, result.ending);
        return {
          index: result.index,
          text: wholeText(result, echo),
          logprobs: wholeLogprobs(result),
          finish_reason: reason(finish),
          stop_reason: stopReason(finish),
          token_ids: null,
          prompt_logprobs: null,
          prompt_token_ids: null,
          routed_experts: null,
        };
      }),
      service_tier: null,
      system_fingerprint: FINGERPRINT,
      usage: plainUsage(countsOf(results), false),
      kv_transfer_params: null,
      ec_transfer_params: null,
      metrics: null,
    }),
  };
}
