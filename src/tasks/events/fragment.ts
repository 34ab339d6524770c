/** A fragment of a choice, as a `delta` event has it. */
export interface Fragment {
  readonly index: number;
  readonly delta?: Readonly<Record<string, unknown>>;
  readonly text?: string;
  readonly logprobs?: unknown;
  readonly finish_reason?: string | null;
  readonly [extension: string]: unknown;
}

/** @param data of a `delta` event */
export function fragmentsOf(data: string): readonly Fragment[] {
  return (JSON.parse(data) as { readonly choices: readonly Fragment[] }).choices;
}
