import type { Members } from '../../json/members';

/** A function as calls of a response name it. */
export interface ToolName {
  readonly name: string;
  readonly namespace?: string;
}

/** Chats have no namespaces: there a function's name has both. What engines allow in a name is letters, digits, `_` and `-`. */
export function chatNameOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}__${name}`;
}

/**
 * What the function is that a chat calls, by the tools that the response was asked with. A function of no namespace goes before one of the
 * same name that is put together.
 */
export function toolNameOf(tools: unknown, called: string): ToolName {
  const offered = (Array.isArray(tools) ? tools : []) as readonly Members[];
  if (offered.some(({ type, name }) => type !== 'namespace' && name === called)) return { name: called };
  for (const { type, name: namespace, tools: within } of offered) {
    if (type !== 'namespace' || typeof namespace !== 'string') continue;
    for (const { name } of within as readonly Members[])
      if (typeof name === 'string' && chatNameOf(namespace, name) === called) return { name, namespace };
  }
  return { name: called };
}
