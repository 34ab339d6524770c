import { fork, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import type { Jobs } from './job';

type Reply = { readonly result: unknown } | { readonly fault: string };

/** A process that makes load, so that whoever measures and what is measured have an event loop each. */
export class LoadProcess {
  private readonly child: ChildProcess = fork(resolve(__dirname, 'main.ts'), {
    execArgv: ['-r', resolve(__dirname, '../../../tools/sources.cjs')],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

  /** Rejects with what was not as it should be. */
  run<K extends keyof Jobs>(job: Jobs[K]['job'] & { readonly kind: K }): Promise<Jobs[K]['result']> {
    return new Promise((resolve, reject) => {
      const died = (): void => reject(new Error('the process that makes load ended'));
      this.child.once('exit', died);
      this.child.once('message', (reply: Reply) => {
        this.child.off('exit', died);
        if ('fault' in reply) reject(new Error(reply.fault));
        else resolve(reply.result as Jobs[K]['result']);
      });
      this.child.send(job);
    });
  }

  stop(): void {
    this.child.disconnect();
  }
}
