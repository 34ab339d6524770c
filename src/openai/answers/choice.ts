/** Before the text of a `token` event, `{"i":0,"t":"…"}`, from the first comma on. */
const BEFORE_TEXT = ',"t":';

/** The text of a `token` event, as the JSON that it is there. */
export function textJsonOf(data: string): string {
  return data.slice(data.indexOf(',') + BEFORE_TEXT.length, -1);
}

/** The text of a `token` event. */
export function textOf(data: string): string {
  const json = textJsonOf(data);
  return json.includes('\\') ? (JSON.parse(json) as string) : json.slice(1, -1);
}

/** Clients look for what a model thinks under one name or the other. */
export function withReasoning(delta: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { reasoning_content: thought } = delta;
  return thought === undefined ? delta : { ...delta, reasoning: thought };
}
