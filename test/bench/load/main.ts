import { admissionLoad } from './admission-load';
import { idleLoad } from './idle-load';
import type { Job } from './job';
import { probe } from './probe';
import { relayLoad } from './relay-load';
import { soakLoad } from './soak-load';

/** The process that makes load: one job at a time, told and answered over IPC (see load-process.ts). */
process.on('message', (job: Job) => {
  run(job).then(
    result => process.send?.({ result }),
    (cause: unknown) => process.send?.({ fault: cause instanceof Error ? cause.message : String(cause) }),
  );
});
process.on('disconnect', () => process.exit());

function run(job: Job): Promise<unknown> {
  switch (job.kind) {
    case 'relay':
      return relayLoad(job);
    case 'admission':
      return admissionLoad(job);
    case 'idle':
      return idleLoad(job);
    case 'probe':
      return probe(job);
    case 'soak':
      return soakLoad(job);
  }
}
