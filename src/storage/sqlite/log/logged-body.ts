import type { EndingWrite, LoggedTranscript, LoggedWrite, WriteRequest } from '../tables/protocol';

/*
 * A write as the body of its record: a line of JSON in which only the length of each long text stands, in UTF-16 code units, and after
 * that line the texts themselves, with nothing between them. Most of them are JSON already: as strings of JSON they would have each of
 * their quotes escaped.
 *
 *     {"kind":"mark","taskId":"t","placement":14}
 *     {"poolId":"p"}
 */

/** The names of long texts, in the order in which those of one part stand. */
const TEXTS = ['admission', 'prompt', 'placement', 'ending', 'json'] as const;

/** A member of a write that has long texts, or the write itself; a number stands for each that is not put in yet. */
type Part = Partial<Record<(typeof TEXTS)[number], unknown>>;

/** @param transcript of an ending that does not name it yet; of other writes it is left out */
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

/**
 * Also of what was written before texts stood apart: JSON with all of them in it, which has no line end.
 * @throws Error where it does not begin with a line of JSON: nobody has made it
 */
export function decodeBody(body: string): LoggedWrite {
  const lineEnd = body.indexOf('\n');
  if (lineEnd < 0) return JSON.parse(body) as LoggedWrite;
  const write = JSON.parse(body.slice(0, lineEnd)) as LoggedWrite &
    Part & {
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
  for (const part of [write, write.task, write.evicted, write.transcript]) if (part) fill(part);
  return write;
}

function shortened({ taskId, state, keptFromMs, placement, ending }: EndingWrite): object {
  return { taskId, state, keptFromMs, placement: placement?.length, ending: ending.length };
}

function textsOf({ placement, ending }: EndingWrite): string {
  return (placement ?? '') + ending;
}
