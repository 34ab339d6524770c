import type { Connection } from './connection';

/** An answer that is taken as a whole. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One request and its whole answer. Rejects where the connection goes first. */
export function exchange(connection: Connection, request: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let [status, text] = [0, ''];
    connection.send(request, {
      head: received => (status = received),
      body: part => (text += part),
      end: () => resolve({ status, text }),
      broken: reject,
    });
  });
}
