import { Session, type InspectorNotification, type NodeWorker } from 'node:inspector';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { InspectedThread, type Visit } from './inspected-thread';

/**
 * Preloaded into a service that runs from its sources: tells which of their functions ran, on any of its threads, and in what order its files were
 * come to. Nothing of it is in the product. It is asked by messages, by visited-files.ts.
 */

/** `take`: what ran since the last one. `watch`: the order in which these are come to is noted from now on; `order`: it, since the last one. */
export type Question =
  { readonly ask: 'take' } | { readonly ask: 'watch'; readonly visits: readonly Visit[] } | { readonly ask: 'order' };

const sources = resolve('src');

/** The path below `src/`; undefined for anything else. */
function sourceOf(url: string): string | undefined {
  const file = relative(sources, url.startsWith('file://') ? fileURLToPath(url) : url);
  return file.startsWith('..') || !file.endsWith('.ts') ? undefined : file;
}

type Attached = InspectorNotification<NodeWorker.AttachedToWorkerEventDataType>;
type Detached = InspectorNotification<NodeWorker.DetachedFromWorkerEventDataType>;
type Received = InspectorNotification<NodeWorker.ReceivedMessageFromWorkerEventDataType>;

function record(): void {
  const session = new Session();
  session.connect();
  const main = new InspectedThread('', sourceOf, (id, method, params) =>
    session.post(method, params, (error, result) => main.receive({ id, result, ...(error && { error }) })),
  );
  void main.begin();

  const others = new Map<string, InspectedThread>();
  session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }: Attached) => {
    const thread = new InspectedThread(sourceOf(workerInfo.url) ?? workerInfo.url, sourceOf, (id, method, params) =>
      session.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id, method, params }) }),
    );
    others.set(sessionId, thread);
    void thread.begin();
  });
  session.on('NodeWorker.receivedMessageFromWorker', ({ params: { sessionId, message } }: Received) =>
    others.get(sessionId)?.receive(JSON.parse(message)),
  );
  session.on('NodeWorker.detachedFromWorker', ({ params }: Detached) => others.delete(params.sessionId));
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });

  const answer = async (question: Question): Promise<unknown> => {
    // The main thread last: what it does for the others is nothing of `src/`, and what they were given to do has been done.
    const threads = [...others.values(), main];
    if (question.ask === 'take') return (await Promise.all(threads.map(thread => thread.take()))).flat();
    if (question.ask === 'order') return (await Promise.all(threads.map(thread => thread.order()))).flat();
    await Promise.all(threads.map(thread => thread.watch(question.visits)));
    return [];
  };
  process.on('message', (question: Question) => void answer(question).then(result => process.send?.(result)));
  process.channel?.unref();
}

if (isMainThread) record();
