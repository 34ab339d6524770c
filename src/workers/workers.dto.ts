import { idPattern, plainFileName, YEAR_MS } from '../config/parsers';
import { AnswerChoice, AnswerFlag, AnswerId, AnswerText } from '../http/fields/answer-fields';
import { IdField, IntField, TextField, UrlField } from '../http/fields/fields';
import { CursorField, PageQuery } from '../http/fields/page';
import { SchemaKeywords } from '../http/documents/schemas';
import { RefusesUnknown } from '../http/fields/unknown-members';
import { ReplicaView } from '../pools/pools.dto';

/** `pool/replica`. */
const workerCursor = new RegExp(`${idPattern.source.slice(0, -1)}/${idPattern.source.slice(1)}`);

export class WorkerListQuery extends PageQuery {
  @CursorField(workerCursor)
  cursor?: string;
}

@RefusesUnknown()
@SchemaKeywords({
  nullable: true,
  additionalProperties: false,
  example: { pool_id: 'gpu-0', replica_id: 'r1', url: 'http://127.0.0.1:8080', slots_total: 4, ttl_ms: 60_000 },
})
export class RegisterWorkerDto {
  @IdField({ description: 'The pool it belongs to; `default` when absent.', optional: true })
  pool_id: string = 'default';

  @IdField({ description: 'Its name within the pool; `r0` when absent.', optional: true })
  replica_id: string = 'r0';

  @UrlField({
    description: 'Where its engine is reached. Without it the replica is known but never ready.',
    optional: true,
  })
  url?: string;

  @IdField({
    description:
      'Kind of engine. When absent it is found out by what the engine answers; `llamacpp` where that gives no sign.',
    optional: true,
  })
  engine?: string;

  @TextField({ description: 'Version of the engine.', maxLength: 128, pattern: /^[\x20-\x7e]*$/, optional: true })
  engine_version?: string;

  @IntField({
    description: 'How many sequences it runs at once; what the engine reports goes before it.',
    min: 1,
    max: 4096,
    optional: true,
  })
  slots_total?: number;

  @TextField({ description: 'Devices it uses.', maxLength: 128, pattern: /^[\x20-\x7e]*$/, optional: true })
  device_mask?: string;

  @IntField({
    description:
      'Milliseconds after which the registration lapses unless it is renewed; a restart of the service renews it. Without it the registration never lapses.',
    min: 100,
    max: YEAR_MS,
    optional: true,
  })
  ttl_ms?: number;

  @TextField({
    description:
      'Name of the file with the key that the engine wants of whoever asks it (`--api-key`), or other headers and the authority of its certificate, in the folder that ORCHD_ENGINE_KEYS_DIR names.',
    maxLength: 128,
    pattern: plainFileName,
    example: 'gpu-0.key',
    optional: true,
  })
  api_key_file?: string;
}

const outcomes = ['bound', 'renewed', 'replaced', 'kept'];

export class RegisteredView {
  @AnswerFlag('Always true.') ok!: boolean;
  @AnswerText('`token:` and the first six hex digits of the SHA-256 of the token.') identity!: string;
  @AnswerId('The pool it belongs to.') pool_id!: string;
  @AnswerId('Its name within the pool.') replica_id!: string;
  @AnswerId('Kind of its engine, named or found.') engine!: string;
  @AnswerChoice('What came of it; `kept`: the bound engine is alive at another address.', outcomes) outcome!: string;
}

export class WorkerView extends ReplicaView {
  @AnswerId('The pool it belongs to.') pool_id!: string;
}
