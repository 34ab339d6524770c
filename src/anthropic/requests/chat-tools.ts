import { choiceIn, flagIn, invalid, isNothing, listIn, objectIn, textIn, type Members } from '../../json/members';

/** Tools of a chat as OpenAI's API has them, and which of them are to be called. */
export function chatToolsOf(tools: unknown, choice: unknown): object {
  const offered = isNothing(tools) ? [] : listIn('tools', tools).map((tool, at) => toolOf(`tools.${at}`, tool));
  return { ...(offered.length > 0 && { tools: offered }), ...choiceOf(choice) };
}

/** Those that the model knows by a type (web search, a shell, a screen) are Anthropic's own: no other model was taught them. */
function toolOf(field: string, value: unknown): object {
  const { type, name, description, input_schema: parameters, strict }: Members = objectIn(field, value);
  if (!isNothing(type) && type !== 'custom')
    throw invalid(`${field}.type`, `be custom: ${textIn(`${field}.type`, type).slice(0, 64)} is not run here`);
  return {
    type: 'function',
    function: {
      name: textIn(`${field}.name`, name),
      ...(!isNothing(description) && { description: textIn(`${field}.description`, description) }),
      parameters: objectIn(`${field}.input_schema`, parameters),
      ...(!isNothing(strict) && { strict: flagIn(`${field}.strict`, strict) }),
    },
  };
}

const choices = { auto: 'auto', any: 'required', none: 'none', tool: 'tool' } as const;

function choiceOf(given: unknown): object {
  if (isNothing(given)) return {};
  const { type, name, disable_parallel_tool_use: alone } = objectIn('tool_choice', given);
  const kind = choices[choiceIn('tool_choice.type', type, ['auto', 'any', 'none', 'tool'])];
  const choice = kind === 'tool' ? { type: 'function', function: { name: textIn('tool_choice.name', name) } } : kind;
  return {
    tool_choice: choice,
    ...(flagIn('tool_choice.disable_parallel_tool_use', alone) && { parallel_tool_calls: false }),
  };
}
