/** The text that a chat becomes: the stand-in's template, for every wire. */
export function chatPrompt(messages: readonly unknown[]): string {
  const turns = messages.map(message => {
    const { role, content } = (message ?? {}) as Readonly<Record<string, unknown>>;
    return `<|${String(role)}|>${typeof content === 'string' ? content : JSON.stringify(content ?? '')}\n`;
  });
  return `${turns.join('')}<|assistant|>`;
}
