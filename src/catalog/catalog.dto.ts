import { YEAR_MS } from '../config/parsers';
import { ServiceError } from '../errors/service-error';
import {
  AnswerChoice,
  AnswerJson,
  AnswerPart,
  AnswerParts,
  AnswerText,
  AnswerTexts,
  AnswerTime,
} from '../http/fields/answer-fields';
import { CheckedField, ChoiceField, IntField, JsonField, TextField, TextListField } from '../http/fields/fields';
import { CursorField, PageQuery } from '../http/fields/page';
import { patternText, SchemaKeywords } from '../http/documents/schemas';
import { WarningView } from '../http/fields/unknown-members';
import type { ModelDescription } from './catalog.service';
import {
  modelStates,
  verificationReasons,
  verificationResults,
  type ModelEntry,
  type ModelState,
  type VerificationResult,
} from './model-catalog.port';
import { normalPath, relativePathPattern } from './model-file';

/** Segments of letters, digits and . _ : - with `/` between them. */
const modelIdPattern = /^[A-Za-z0-9][A-Za-z0-9._:-]*(\/[A-Za-z0-9][A-Za-z0-9._:-]*)*$/;
const MODEL_ID_MAX = 256;
const MAX_ATTACHED_BYTES = 256 * 1024;
const modelIdForm = `letters, digits and . _ : - with / between segments (at most ${MODEL_ID_MAX})`;

export const modelIdSchema = { type: 'string', pattern: patternText(modelIdPattern), maxLength: MODEL_ID_MAX } as const;

export class ModelListQuery extends PageQuery {
  @CursorField(modelIdPattern, MODEL_ID_MAX)
  cursor?: string;
}

@SchemaKeywords({
  example: {
    id: 'llama-3-8b',
    digest: 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    source_url: 'hf:org/llama-3-8b',
    local_path: 'org/llama-3-8b.gguf',
    tags: ['chat'],
  },
})
export class CreateModelDto {
  @CheckedField(
    { description: `What tasks name as model_ref: ${modelIdForm}.`, example: 'llama-3-8b' },
    modelIdSchema,
    value => typeof value === 'string' && value.length <= MODEL_ID_MAX && modelIdPattern.test(value),
    value => (value == null || value === '' ? 'id required' : `id must be ${modelIdForm}`),
  )
  id!: string;

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
    pattern: /^(https?:\/\/|hf:|file:)[^\x00-\x20\x7f-\xa0]+$/,
    form: 'an http, https, hf or file URL without spaces and control characters',
    optional: true,
  })
  source_url?: string;

  @TextField({
    description: 'Its file, relative to the model directory and below it, without `..`; the id when absent.',
    maxLength: 1024,
    pattern: relativePathPattern,
    form: 'a relative path below the model directory, without .. and control characters',
    optional: true,
  })
  local_path?: string;

  @TextListField({ description: 'Tags: words to find it by.', maxItems: 64, maxLength: 128, optional: true })
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

@SchemaKeywords({ example: { state: 'Retired', deadline_ms: 60_000 } })
export class ModelStateDto {
  @ChoiceField({ description: 'A Retired model takes no new tasks.', values: modelStates })
  state!: ModelState;

  @IntField({ description: 'Milliseconds until a retirement takes effect.', min: 0, max: YEAR_MS, optional: true })
  deadline_ms: number = 0;
}

export class VerificationView implements VerificationResult {
  @AnswerChoice('What came of it.', verificationResults) result!: VerificationResult['result'];
  @AnswerChoice('Why, in one word.', verificationReasons) reason!: VerificationResult['reason'];
}

export class ListedModelView {
  @AnswerText('What tasks name as model_ref.') id!: string;
  @AnswerText('Digest of its file, `algo:value`.', { optional: true }) digest?: string;
  @AnswerChoice('A Retired model takes no new tasks.', modelStates) state!: ModelState;
  @AnswerText('Where it comes from, as it was told.', { optional: true }) source_url?: string;
  @AnswerText('Its file, relative to the model directory.', { optional: true }) local_path?: string;
  @AnswerTexts('Tags, as they were told.') tags!: readonly string[];
  @AnswerTime('When it was put into the catalogue.') created_ms!: number;
  @AnswerTime('When its file was last looked at; null before that.', { nullable: true }) last_verified_ms!:
    number | null;
  @AnswerTime('When its retirement takes effect.', { optional: true }) retire_deadline_ms?: number;
  @AnswerPart('What the last look at its file came to.', VerificationView, { optional: true })
  verification?: VerificationView;
}

export class ModelView extends ListedModelView {
  @AnswerJson('Manifests, as they were told.', { optional: true }) manifests?: unknown;
  @AnswerJson('Signatures, as they were told.', { optional: true }) signatures?: unknown;
  @AnswerJson('Software bill of materials, as it was told.', { optional: true }) sbom?: unknown;
  @AnswerJson('Trust policy, as it was told.', { optional: true }) trust_policy?: unknown;
  @AnswerParts('What is odd about the request, such as fields that are not known.', WarningView, { optional: true })
  warnings?: readonly WarningView[];
}

/** @throws ServiceError INVALID_PARAMS */
export function toDescription(body: CreateModelDto): ModelDescription {
  const { id } = body;
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
    localPath: normalPath(body.local_path ?? id),
    tags: body.tags ?? [],
    ...Object.fromEntries(Object.entries(attached).filter(([, value]) => value != null)),
  };
}

export function toModelView(entry: ModelEntry): ModelView {
  return {
    ...toListedModel(entry),
    ...(entry.manifests !== undefined && { manifests: entry.manifests }),
    ...(entry.signatures !== undefined && { signatures: entry.signatures }),
    ...(entry.sbom !== undefined && { sbom: entry.sbom }),
    ...(entry.trustPolicy !== undefined && { trust_policy: entry.trustPolicy }),
  };
}

/** Without its documents, a thousand of which would make an answer of hundreds of megabytes. */
export function toListedModel(entry: ModelEntry): ListedModelView {
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
