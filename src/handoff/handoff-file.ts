import { identifier, idPattern, plainFileName } from '../config/parsers';
import { readSmallFile } from '../files/small-file';
import { engineAddress } from '../pools/bindings/engine-address';

const MAX_BYTES = 64 * 1024;
const MAX_TEXT = 128;
const MAX_URL = 2048;
const MAX_SLOTS = 4096;

/** What an engine's launcher says in a handoff file. */
export interface Handoff {
  readonly url: string;
  readonly poolId: string;
  readonly replicaId: string;
  /** Undefined: it is found out. */
  readonly engine?: string;
  readonly engineVersion?: string;
  readonly deviceMask?: string;
  readonly slotsTotal?: number;
  /** Name of a file in `ORCHD_ENGINE_KEYS_DIR`. */
  readonly apiKeyFile?: string;
}

/** `isPartial`: it may be whole in a moment, for a writer may still be at it. */
export type HandoffReading =
  | { readonly ok: true; readonly handoff: Handoff }
  | { readonly ok: false; readonly reason: string; readonly isPartial?: true };

/**
 * Reads a handoff file that anybody may have written: a regular file in the folder (over links that stay inside), bounded, JSON
 * in UTF-8 with or without a byte order mark, every field checked. What is wrong with it is a returned reason.
 */
export async function readHandoff(folder: string, path: string): Promise<HandoffReading> {
  const file = await readSmallFile(folder, path, MAX_BYTES);
  if (!file.ok) return bad(file.reason);
  try {
    // Takes the byte order mark away.
    return parseHandoff(new TextDecoder('utf-8', { fatal: true }).decode(file.bytes));
  } catch {
    return { ok: false, reason: 'it is not text in UTF-8', isPartial: true };
  }
}

export function parseHandoff(text: string): HandoffReading {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: 'it is not JSON', isPartial: true };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad('it is not a JSON object');
  const fields = value as Record<string, unknown>;
  const url = fields['url'];
  if (typeof url !== 'string' || url === '' || url.length > MAX_URL) return bad('url must be a URL');
  const poolId = idOf(fields['pool_id']);
  const replicaId = idOf(fields['replica_id']);
  const engine = idOf(fields['engine'] ?? undefined);
  if (poolId === undefined) return badId('pool_id');
  if (replicaId === undefined) return badId('replica_id');
  if (engine === undefined && fields['engine'] != null) return badId('engine');
  const slots = fields['slots_total'];
  if (slots !== undefined && (!Number.isInteger(slots) || (slots as number) < 1 || (slots as number) > MAX_SLOTS)) {
    return bad(`slots_total must be a whole number from 1 to ${MAX_SLOTS}`);
  }
  const apiKeyFile = fields['api_key_file'];
  if (apiKeyFile !== undefined && (typeof apiKeyFile !== 'string' || !plainFileName.test(apiKeyFile))) {
    return bad('api_key_file must be the plain name of a file in ORCHD_ENGINE_KEYS_DIR');
  }
  const engineVersion = plain(fields['engine_version']);
  const deviceMask = plain(fields['device_mask']);
  return {
    ok: true,
    handoff: {
      url: engineAddress(url),
      poolId,
      replicaId,
      ...(engine !== undefined && { engine }),
      ...(engineVersion !== undefined && { engineVersion }),
      ...(deviceMask !== undefined && { deviceMask }),
      ...(slots !== undefined && { slotsTotal: slots as number }),
      ...(apiKeyFile !== undefined && { apiKeyFile }),
    },
  };
}

/** Text that goes into labels and logs: bounded and on one line; anything else is left out. */
function plain(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.replace(/\p{Cc}/gu, '').slice(0, MAX_TEXT) : undefined;
}

function idOf(value: unknown): string | undefined {
  return typeof value === 'string' && idPattern.test(value) ? value : undefined;
}

function badId(name: string): HandoffReading {
  return bad(`${name} must be ${identifier.allowed}`);
}

function bad(reason: string): HandoffReading {
  return { ok: false, reason };
}
