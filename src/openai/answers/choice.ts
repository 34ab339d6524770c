/** The text of a `token` event, as the JSON that it is there: `{"i":0,"t":"…"}`. */
export function textJsonOf(data: string): string {
  return data.slice(data.indexOf('"t":') + 4, -1);
}

/** Clients look for what a model thinks under one name or the other. */
export function withReasoning(delta: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { reasoning_content: thought } = delta;
  return thought === undefined ? delta : { ...delta, reasoning: thought };
}
