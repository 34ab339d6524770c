import type { OutputFormat } from '../../output-format';
import { frame } from '../../output-format';
import { tritonRefusals } from './errors';

/** `generate` and `generate_stream`: no mark ends the stream, no reason, no counts. */
export function tritonFormat(model: string, id: string | undefined): OutputFormat {
  const body = (text: string) => ({
    ...(id !== undefined && { id }),
    model_name: model,
    model_version: '1',
    text_output: text,
  });
  return {
    refusals: tritonRefusals,
    headAt: 'output',
    noticesLate: true,
    chunked: true,
    token: (_, { text }) => (text === '' ? [] : frame(body(text))),
    end: () => [],
    plain: ([result]) => body(result?.source.text ?? ''),
  };
}
