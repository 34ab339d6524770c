import { choiceIn, invalid, isNothing, listIn, objectIn, textIn } from '../../json/members';

/** Tools of a chat, and which of them are to be called, from those of a response. */
export function chatToolsOf(tools: unknown, choice: unknown): object {
  const offered = isNothing(tools) ? [] : listIn('tools', tools).map((tool, at) => toolOf(`tools.${at}`, tool));
  return {
    ...(offered.length > 0 && { tools: offered }),
    ...(!isNothing(choice) && { tool_choice: choiceOf('tool_choice', choice) }),
  };
}

/** Tools as a response tells them: with the members that its clients look for. @throws ServiceError INVALID_PARAMS */
export function shownTools(tools: unknown): readonly object[] {
  if (isNothing(tools)) return [];
  return listIn('tools', tools).map((tool, at) => ({
    description: null,
    parameters: null,
    strict: null,
    ...objectIn(`tools.${at}`, tool),
  }));
}

/** Only functions are called by clients; all others a server runs, and this one runs none. */
function toolOf(field: string, value: unknown): object {
  const { type, name, description, parameters, strict } = objectIn(field, value);
  if (type !== 'function') {
    const named = typeof type === 'string' ? `: ${type.slice(0, 64)} is not run here` : '';
    throw invalid(`${field}.type`, `be function${named}`);
  }
  return {
    type,
    function: {
      name: textIn(`${field}.name`, name),
      ...(!isNothing(description) && { description: textIn(`${field}.description`, description) }),
      ...(!isNothing(parameters) && { parameters: objectIn(`${field}.parameters`, parameters) }),
      ...(strict === true && { strict }),
    },
  };
}

function choiceOf(field: string, choice: unknown): unknown {
  if (typeof choice === 'string') return choiceIn(field, choice, ['auto', 'none', 'required']);
  const { type, name, mode, tools } = objectIn(field, choice);
  if (choiceIn(`${field}.type`, type, ['function', 'allowed_tools']) === 'function')
    return { type: 'function', function: { name: textIn(`${field}.name`, name) } };
  const allowed = listIn(`${field}.tools`, tools).map((tool, at) => {
    const { name: named } = objectIn(`${field}.tools.${at}`, tool);
    return { type: 'function', function: { name: textIn(`${field}.tools.${at}.name`, named) } };
  });
  return {
    type: 'allowed_tools',
    allowed_tools: { mode: choiceIn(`${field}.mode`, mode, ['auto', 'required']), tools: allowed },
  };
}
