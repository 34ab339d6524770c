import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { YEAR_MS } from '../config/parsers';
import { ServiceError } from '../errors/service-error';
import { ChoiceField, IntField, JsonField, TextField, TextListField } from '../http/fields';
import type { ModelDescription } from './catalog.service';
import type { ModelEntry, ModelState, VerificationResult } from './model-catalog.port';
import { normalPath, staysBelow } from './model-file';

/** Segments of letters, digits and . _ : - with `/` between them. */
const modelIdPattern = /^[A-Za-z0-9][A-Za-z0-9._:-]*(\/[A-Za-z0-9][A-Za-z0-9._:-]*)*$/;
const MODEL_ID_MAX = 256;
const MAX_ATTACHED_BYTES = 256 * 1024;

export class CreateModelDto {
  // Optional to the validator only: a missing id has an answer of its own.
  @TextField({
    description: `What tasks name as model_ref: letters, digits and . _ : - with / between segments, at most ${MODEL_ID_MAX}. Required.`,
    maxLength: 4096,
    optional: true,
    example: 'llama-3-8b',
  })
  id?: string;

  @TextField({
    description: 'Digest of the file, `algo:value`.',
    maxLength: 320,
    pattern: /^[A-Za-z0-9-]{1,32}:[A-Za-z0-9+/=_-]{1,256}$/,
    optional: true,
    example: 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  })
  digest?: string;

  @TextField({
    description: 'Where it comes from: an http, https, hf or file URL. It is kept, not fetched.',
    maxLength: 2048,
    pattern: /^(https?:\/\/|hf:|file:)[^\s\p{Cc}]+$/u,
    optional: true,
  })
  source_url?: string;

  @TextField({
    description: 'Its file, relative to the model directory; the id when absent.',
    maxLength: 1024,
    pattern: /^[^\p{Cc}]+$/u,
    optional: true,
  })
  local_path?: string;

  @TextListField({ description: 'Tags.', maxItems: 64, maxLength: 128, optional: true })
  tags?: string[];

  @JsonField({ description: 'Manifests: any JSON.', optional: true })
  manifests?: unknown;

  @JsonField({ description: 'Signatures: any JSON.', optional: true })
  signatures?: unknown;

  @JsonField({ description: 'Software bill of materials: any JSON.', optional: true })
  sbom?: unknown;

  @JsonField({ description: 'Trust policy: any JSON.', optional: true })
  trust_policy?: unknown;
}

export class ModelStateDto {
  @ChoiceField({ description: 'A Retired model takes no new tasks.', values: ['Active', 'Retired'] })
  state!: ModelState;

  @IntField({ description: 'Milliseconds until a retirement takes effect.', min: 0, max: YEAR_MS, optional: true })
  deadline_ms: number = 0;
}

export class VerificationDto implements VerificationResult {
  @ApiProperty({ enum: ['passed', 'failed', 'skipped'] }) result!: VerificationResult['result'];
  @ApiProperty({ description: 'Why, in one word.', example: 'digest_match' }) reason!: VerificationResult['reason'];
}

/** Times are milliseconds since 1970. */
export class ListedModelDto {
  @ApiProperty() id!: string;
  @ApiPropertyOptional() digest?: string;
  @ApiProperty({ enum: ['Active', 'Retired'] }) state!: ModelState;
  @ApiPropertyOptional() source_url?: string;
  @ApiPropertyOptional({ description: 'Relative to the model directory.' }) local_path?: string;
  @ApiProperty({ type: [String] }) tags!: readonly string[];
  @ApiProperty() created_ms!: number;
  @ApiProperty({ type: Number, nullable: true }) last_verified_ms!: number | null;
  @ApiPropertyOptional({ description: 'When its retirement takes effect.' }) retire_deadline_ms?: number;
  @ApiPropertyOptional() verification?: VerificationDto;
}

export class ModelDto extends ListedModelDto {
  @ApiPropertyOptional({ type: Object }) manifests?: unknown;
  @ApiPropertyOptional({ type: Object }) signatures?: unknown;
  @ApiPropertyOptional({ type: Object }) sbom?: unknown;
  @ApiPropertyOptional({ type: Object }) trust_policy?: unknown;
}

export class ModelPageDto {
  @ApiProperty({ type: [ListedModelDto] }) items!: readonly ListedModelDto[];
  @ApiPropertyOptional({ description: 'Absent on the last page.' }) next_cursor?: string;
}

/** @throws ServiceError INVALID_PARAMS */
export function toDescription(body: CreateModelDto): ModelDescription {
  const id = body.id ?? '';
  if (id === '') throw new ServiceError('INVALID_PARAMS', { field: 'id', message: 'id required' });
  assertModelId(id);
  const localPath = body.local_path ?? id;
  if (!staysBelow(localPath)) {
    throw new ServiceError('INVALID_PARAMS', {
      field: 'local_path',
      message: 'local_path must be relative and stay below the model directory',
    });
  }
  const attached = {
    manifests: body.manifests,
    signatures: body.signatures,
    sbom: body.sbom,
    trustPolicy: body.trust_policy,
  };
  if (Buffer.byteLength(JSON.stringify(attached)) > MAX_ATTACHED_BYTES) {
    const message = `manifests, signatures, sbom and trust_policy must have at most ${MAX_ATTACHED_BYTES} bytes together`;
    throw new ServiceError('INVALID_PARAMS', { field: 'manifests', message });
  }
  return {
    id,
    ...(body.digest != null && { digest: body.digest }),
    ...(body.source_url != null && { sourceUrl: body.source_url }),
    localPath: normalPath(localPath),
    tags: body.tags ?? [],
    ...Object.fromEntries(Object.entries(attached).filter(([, value]) => value != null)),
  };
}

/** @throws ServiceError INVALID_PARAMS */
function assertModelId(id: string): void {
  if (id.length <= MODEL_ID_MAX && modelIdPattern.test(id) && staysBelow(id)) return;
  const message = `id must be letters, digits and . _ : - with / between segments (at most ${MODEL_ID_MAX})`;
  throw new ServiceError('INVALID_PARAMS', { field: 'id', message });
}

export function toModelDto(entry: ModelEntry): ModelDto {
  return {
    ...toListedModel(entry),
    ...(entry.manifests !== undefined && { manifests: entry.manifests }),
    ...(entry.signatures !== undefined && { signatures: entry.signatures }),
    ...(entry.sbom !== undefined && { sbom: entry.sbom }),
    ...(entry.trustPolicy !== undefined && { trust_policy: entry.trustPolicy }),
  };
}

/** Without its documents, a thousand of which would make an answer of hundreds of megabytes. */
export function toListedModel(entry: ModelEntry): ListedModelDto {
  return {
    id: entry.id,
    ...(entry.digest !== undefined && { digest: entry.digest }),
    state: entry.state,
    ...(entry.sourceUrl !== undefined && { source_url: entry.sourceUrl }),
    ...(entry.localPath !== undefined && { local_path: entry.localPath }),
    tags: entry.tags,
    created_ms: entry.createdAtMs,
    last_verified_ms: entry.lastVerifiedMs ?? null,
    ...(entry.retireDeadlineAtMs !== undefined && { retire_deadline_ms: entry.retireDeadlineAtMs }),
    ...(entry.verification && { verification: entry.verification }),
  };
}
