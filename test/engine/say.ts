/** A tool that is called, with its arguments as JSON. */
export interface ToolCall {
  readonly name: string;
  readonly arguments: string;
}

/** What an answer is made of where it is more than a row of words. */
export interface Say {
  /** Tokens of thought before anything else. */
  readonly reasoningTokens?: number;
  readonly calls?: readonly ToolCall[];
  /** The text itself, such as JSON of a schema. */
  readonly text?: string;
}
