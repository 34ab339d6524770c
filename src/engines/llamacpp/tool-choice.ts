import { membersOf } from '../wire/engine-json';

type Body = Readonly<Record<string, unknown>>;

/** A function that is named is not the one that llama.cpp makes the model call; the only one that it knows of is. */
export function toolsAndChoice({ tools, tool_choice: choice }: Body): Body {
  const name = membersOf(membersOf(choice)['function'])['name'];
  if (typeof name !== 'string' || !Array.isArray(tools)) return choice === undefined ? {} : { tool_choice: choice };
  const named = tools.filter((tool: unknown) => membersOf(membersOf(tool)['function'])['name'] === name);
  return named.length === 0 ? { tool_choice: choice } : { tools: named, tool_choice: 'required' };
}
