import { choiceIn, invalid, isNothing, listIn, objectIn, textIn, type Members } from '../../json/members';
import { chatNameOf } from './tool-names';

/** Tools of a chat, and which of them are to be called, from those of a response. */
export function chatToolsOf(tools: unknown, choice: unknown): object {
  const offered = isNothing(tools) ? [] : listIn('tools', tools).flatMap((tool, at) => toolsOf(`tools.${at}`, tool));
  return {
    ...(offered.length > 0 && { tools: offered }),
    ...(!isNothing(choice) && { tool_choice: choiceOf('tool_choice', choice) }),
  };
}

/** Tools as a response tells them: with the members that its clients look for. @throws ServiceError INVALID_PARAMS */
export function shownTools(tools: unknown): readonly object[] {
  if (isNothing(tools)) return [];
  return listIn('tools', tools).map((tool, at) => {
    const members = objectIn(`tools.${at}`, tool);
    if (members['type'] === 'namespace') return { description: '', ...members };
    return { description: null, parameters: null, strict: null, ...members };
  });
}

/** A namespace is functions that share a name before theirs. */
function toolsOf(field: string, value: unknown): readonly object[] {
  const tool = objectIn(field, value);
  if (tool['type'] !== 'namespace') return [toolOf(field, tool, undefined, 'function or namespace')];
  const namespace = textIn(`${field}.name`, tool['name']);
  return listIn(`${field}.tools`, tool['tools']).map((each, at) => {
    const within = `${field}.tools.${at}`;
    return toolOf(within, objectIn(within, each), namespace, 'function');
  });
}

/** Only functions are called by clients; all others a server runs, and this one runs none. */
function toolOf(field: string, tool: Members, namespace: string | undefined, allowed: string): object {
  const { type, name, description, parameters, strict } = tool;
  if (type !== 'function') {
    const named = typeof type === 'string' ? `: ${type.slice(0, 64)} is not run here` : '';
    throw invalid(`${field}.type`, `be ${allowed}${named}`);
  }
  return {
    type,
    function: {
      name: chatNameOf(namespace, textIn(`${field}.name`, name)),
      ...(!isNothing(description) && { description: textIn(`${field}.description`, description) }),
      ...(!isNothing(parameters) && { parameters: objectIn(`${field}.parameters`, parameters) }),
      ...(strict === true && { strict }),
    },
  };
}

function choiceOf(field: string, choice: unknown): unknown {
  if (typeof choice === 'string') return choiceIn(field, choice, ['auto', 'none', 'required']);
  const { type, name, namespace, mode, tools } = objectIn(field, choice);
  if (choiceIn(`${field}.type`, type, ['function', 'allowed_tools']) === 'function')
    return { type: 'function', function: { name: calledOf(field, name, namespace) } };
  const allowed = listIn(`${field}.tools`, tools).map((tool, at) => {
    const { name: named, namespace: within } = objectIn(`${field}.tools.${at}`, tool);
    return { type: 'function', function: { name: calledOf(`${field}.tools.${at}`, named, within) } };
  });
  return {
    type: 'allowed_tools',
    allowed_tools: { mode: choiceIn(`${field}.mode`, mode, ['auto', 'required']), tools: allowed },
  };
}

/** The function that a choice or a call names, as a chat knows it. @throws ServiceError INVALID_PARAMS */
export function calledOf(field: string, name: unknown, namespace: unknown): string {
  const within = isNothing(namespace) ? undefined : textIn(`${field}.namespace`, namespace);
  return chatNameOf(within, textIn(`${field}.name`, name));
}
