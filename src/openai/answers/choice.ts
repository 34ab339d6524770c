/** A fragment of a choice, as a `delta` event has it. */
export interface Fragment {
  readonly index: number;
  readonly delta?: Readonly<Record<string, unknown>>;
  readonly text?: string;
  readonly logprobs?: unknown;
  readonly finish_reason?: string | null;
  readonly [extension: string]: unknown;
}

export function fragmentsOf(data: string): readonly Fragment[] {
  return (JSON.parse(data) as { readonly choices: readonly Fragment[] }).choices;
}

/** The text of a `token` event, as the JSON that it is there: `{"i":0,"t":"…"}`. */
export function textJsonOf(data: string): string {
  return data.slice(data.indexOf('"t":') + 4, -1);
}

/** Clients look for what a model thinks under one name or the other. */
export function withReasoning(delta: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { reasoning_content: thought } = delta;
  return thought === undefined ? delta : { ...delta, reasoning: thought };
}
