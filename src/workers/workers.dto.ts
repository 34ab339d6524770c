import { ApiProperty } from '@nestjs/swagger';
import { YEAR_MS } from '../config/parsers';
import { IdField, IntField, TextField, UrlField } from '../http/fields';
import { ReplicaDto } from '../pools/pools.dto';

export class RegisterWorkerDto {
  @IdField({ description: 'The pool it belongs to.', optional: true })
  pool_id: string = 'default';

  @IdField({ description: 'Its name within the pool.', optional: true })
  replica_id: string = 'r0';

  @UrlField({
    description: 'Where its engine is reached. Without it the replica is known but never ready.',
    optional: true,
  })
  url?: string;

  @IdField({ description: 'Kind of engine.', optional: true })
  engine: string = 'llamacpp';

  @TextField({ description: 'Version of the engine.', maxLength: 128, pattern: /^[\x20-\x7e]*$/, optional: true })
  engine_version?: string;

  @IntField({
    description: 'Concurrent sequences; what the engine reports goes before it.',
    min: 1,
    max: 4096,
    optional: true,
  })
  slots_total?: number;

  @TextField({ description: 'Devices it uses.', maxLength: 128, pattern: /^[\x20-\x7e]*$/, optional: true })
  device_mask?: string;

  @IntField({
    description: 'The registration lapses after this long unless it is renewed; a restart of the service renews it.',
    min: 100,
    max: YEAR_MS,
    optional: true,
  })
  ttl_ms?: number;
}

export class RegisteredDto {
  @ApiProperty() ok!: boolean;
  @ApiProperty({ description: '`token:` and the first six hex digits of the SHA-256 of the token.' }) identity!: string;
  @ApiProperty() pool_id!: string;
  @ApiProperty() replica_id!: string;
  @ApiProperty({
    enum: ['bound', 'renewed', 'replaced', 'kept'],
    description: 'What came of it; `kept`: the bound engine is alive at another address.',
  })
  outcome!: string;
}

export class WorkerDto extends ReplicaDto {
  @ApiProperty() pool_id!: string;
}
