import { randomUUID } from 'node:crypto';
import { integerOf, itemsOf, membersOf } from '../engine-json';
import { withoutNulls } from './without-nulls';

/** More calls than any model makes at once; what comes beyond is left out. */
const MAX_CALLS = 1024;

interface Call {
  readonly index: number;
  readonly id: string;
  /** The engine's own index of it, where it gave one. */
  readonly told: number | undefined;
}

/**
 * The tool calls of one choice, which come in fragments. Clients tell the calls apart by `index`, want the id and the name once and
 * `type` with them; engines leave the index out, repeat 0 for each parallel call, or send the id and nulls with every fragment.
 */
export class ToolCalls {
  private readonly calls: Call[] = [];

  get any(): boolean {
    return this.calls.length > 0;
  }

  /** The fragments as a client is to have them. */
  repaired(fragments: unknown): readonly object[] {
    return itemsOf(fragments, MAX_CALLS).map(item => this.repair(membersOf(item)));
  }

  private repair(fragment: Readonly<Record<string, unknown>>): object {
    const { index: toldIndex, id, type, function: called, ...others } = fragment;
    const told = integerOf(toldIndex);
    const ownId = typeof id === 'string' && id !== '' ? id : undefined;
    const name = membersOf(called)['name'];
    const known = this.find(told, ownId, typeof name === 'string' && name !== '');
    const call = known ?? this.begin(told, ownId);
    return {
      index: call.index,
      ...(!known && { id: call.id, type: typeof type === 'string' ? type : 'function' }),
      ...withoutNulls(others),
      ...(called !== undefined && called !== null && { function: calledOf(membersOf(called), known !== undefined) }),
    };
  }

  private find(told: number | undefined, id: string | undefined, isNamed: boolean): Call | undefined {
    if (id !== undefined) {
      const same = this.calls.find(call => call.id === id);
      // Another id is another call, whatever index it goes by, if it has a name; some send a new id with every fragment.
      if (same || isNamed) return same;
    }
    if (told !== undefined) return this.calls.findLast(call => call.told === told);
    return isNamed ? undefined : this.calls.at(-1);
  }

  private begin(told: number | undefined, id: string | undefined): Call {
    const call = { index: this.calls.length, id: id ?? `call_${randomUUID().replaceAll('-', '')}`, told };
    if (this.calls.length < MAX_CALLS) this.calls.push(call);
    return call;
  }
}

/** A name that was told is not told again; arguments are a text, also where an engine gives the object. */
function calledOf({ name, arguments: given, ...others }: Readonly<Record<string, unknown>>, isKnown: boolean): object {
  return {
    ...(typeof name === 'string' && !isKnown && { name }),
    ...(given !== undefined &&
      given !== null && { arguments: typeof given === 'string' ? given : JSON.stringify(given) }),
    ...withoutNulls(others),
  };
}
