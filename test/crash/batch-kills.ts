import { join } from 'node:path';
import { startEngine } from '../engine/engine';
import { BatchClient, chatLine, ended, type BatchSeen } from '../support/batch-client';
import { startService, type RunningService } from '../support/service';
import { temporaryFolder } from '../support/temporary-folder';
import { Random } from './random';

export interface BatchKillsPlan {
  readonly lines: number;
  readonly kills: number;
  readonly seed: number;
  /** Some of them SIGTERM instead. */
  readonly gently?: boolean;
}

/** What a batch came to whose service was killed over and over. */
export interface BatchKillsOutcome {
  readonly batch: BatchSeen;
  readonly kills: number;
  /** Lines in both files together, and how many different ones. */
  readonly results: number;
  readonly different: number;
  readonly completed: number;
  readonly failed: number;
  /** Codes of the errors. */
  readonly codes: Readonly<Record<string, number>>;
  /** Requests that the engine has had for lines, beyond one for each. */
  readonly runsMore: number;
}

/** A kill comes after at most so long. */
const ROUND_MS = 700;
const FINISH_MS = 240_000;

/** Kills the service at random moments in a batch, starts it again on the same folder, and tells what there is in the end. */
export async function killInBatch({ lines, kills, seed, gently = false }: BatchKillsPlan): Promise<BatchKillsOutcome> {
  const random = new Random(seed);
  const folder = temporaryFolder();
  const engine = await startEngine({
    ...{ wire: 'vllm', model: 'some-model', slots: 8, tokensPerSecond: 200, requestsKept: 1_000_000 },
  });
  const start = (): Promise<RunningService> =>
    startService({
      env: {
        ORCHD_DATA_DIR: join(folder.path, 'data'),
        ORCHD_ENGINE_URLS: `vllm=${engine.url}`,
        ORCHD_ENGINE_SLOTS: '8',
        ORCHD_PROBE_INTERVAL_MS: '100',
        ORCHD_SHUTDOWN_GRACE_MS: '0',
      },
    });
  let service = await start();
  let client = new BatchClient(service.url);
  let killed = 0;
  try {
    const wanted = Array.from({ length: lines }, (_, at) => chatLine(`line-${at + 1}`, { max_tokens: 1 + (at % 24) }));
    const { id } = await client.begin(wanted);
    while (killed < kills) {
      await pause(random.below(ROUND_MS));
      if (ended.includes((await client.get(id)).status)) break;
      await service.stop(gently && random.below(2) === 0 ? 'SIGTERM' : 'SIGKILL');
      killed++;
      service = await start();
      client = new BatchClient(service.url);
    }
    const batch = await client.untilEnded(id, FINISH_MS);
    const [output, errors] = [await client.results(batch.output_file_id), await client.results(batch.error_file_id)];
    const codes: Record<string, number> = {};
    for (const { response, error } of errors) {
      const code = error?.code ?? (response?.body['error'] as { code: string }).code;
      codes[code] = (codes[code] ?? 0) + 1;
    }
    return {
      batch,
      kills: killed,
      results: output.length + errors.length,
      different: new Set([...output, ...errors].map(({ custom_id: customId }) => customId)).size,
      completed: output.length,
      failed: errors.length,
      codes,
      runsMore: engine.stats().requests.length - lines,
    };
  } finally {
    await service.stop('SIGKILL');
    await engine.stop();
    folder.remove();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
