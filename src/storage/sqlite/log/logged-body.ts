import type { EndingWrite, LoggedTranscript, LoggedWrite, WriteRequest } from '../tables/protocol';

/*
 * A write as the body of its record: JSON in which each long text is but a number, its length in code units, and behind that line the
 * texts as they are. They are JSON themselves for the most part, and would have each of their quotes escaped.
 *
 *     {"kind":"mark","taskId":"t","placement":14}
 *     {"poolId":"p"}
 */

/** In the order in which they stand. */
const TEXTS = ['admission', 'prompt', 'placement', 'ending', 'json'] as const;

type Part = Partial<Record<(typeof TEXTS)[number], unknown>>;

/** @param transcript of an ending, which does not name it yet */
export function encodeBody(write: WriteRequest, transcript?: LoggedTranscript): string {
  switch (write.kind) {
    case 'admit': {
      const { task, evicted } = write;
      const { seq, taskId, sessionId, admittedAtMs, admission, prompt } = task;
      const short = { seq, taskId, sessionId, admittedAtMs, admission: admission.length, prompt: prompt.length };
      const head = { kind: 'admit', task: short, evicted: evicted && shortened(evicted) };
      return `${JSON.stringify(head)}\n${admission}${prompt}${evicted ? textsOf(evicted) : ''}`;
    }
    case 'mark': {
      const { taskId, placement } = write;
      return `${JSON.stringify({ kind: 'mark', taskId, placement: placement.length })}\n${placement}`;
    }
    case 'end': {
      const { task, session } = write;
      const stored = transcript && { id: transcript.id, json: transcript.json.length };
      const head = { kind: 'end', task: shortened(task), session, transcript: stored };
      return `${JSON.stringify(head)}\n${textsOf(task)}${transcript?.json ?? ''}`;
    }
    default:
      return `${JSON.stringify(write)}\n`;
  }
}

/** @throws Error for what {@link encodeBody} has not made */
export function decodeBody(body: string): LoggedWrite {
  const lineEnd = body.indexOf('\n');
  const write = JSON.parse(body.slice(0, lineEnd)) as LoggedWrite & {
    readonly task?: Part;
    readonly evicted?: Part;
    readonly transcript?: Part;
  };
  let at = lineEnd + 1;
  const fill = (part: Part): void => {
    for (const name of TEXTS) {
      const length = part[name];
      if (typeof length === 'number') part[name] = body.slice(at, (at += length));
    }
  };
  for (const part of [write.kind === 'mark' && (write as Part), write.task, write.evicted, write.transcript])
    if (part) fill(part);
  return write;
}

function shortened({ taskId, state, keptFromMs, placement, ending }: EndingWrite): object {
  return { taskId, state, keptFromMs, placement: placement?.length, ending: ending.length };
}

function textsOf({ placement, ending }: EndingWrite): string {
  return (placement ?? '') + ending;
}
