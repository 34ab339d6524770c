import { ServiceError } from '../../errors/service-error';
import type { EngineModel } from '../engine-adapter.port';
import { fileNamesOf } from '../model-names';
import { NAME_CHARS, type LlamaServer, type ServerProps } from './llama-server';

/**
 * The model of a server with one model, under all its names; none where the server gives it no name. `/props` has its alias and
 * its file, the list of models its further aliases.
 */
export async function singleModel(server: LlamaServer, props: ServerProps): Promise<readonly EngineModel[]> {
  const { modelAlias, modelPath = '', ctxMax } = props;
  const [listed] = await listedModels(server);
  // Without an alias the server takes the path for one, which is nobody's business.
  const isPath = modelAlias === modelPath || modelAlias === undefined || modelAlias.length > NAME_CHARS;
  const [file, ...rest] = fileNamesOf(modelPath);
  const id = isPath ? (file ?? listed?.id) : modelAlias;
  if (id === undefined) return [];
  const names = [modelPath, file, ...rest, listed?.id, ...(listed?.names ?? [])].filter(name => name !== undefined);
  const others = [...new Set(names)].filter(name => name !== '' && name !== id);
  return [{ id, names: others, state: 'loaded', ...(ctxMax !== undefined && { ctxMax }) }];
}

/** The list adds names; a server that does not give it has those of `/props`. */
async function listedModels(server: LlamaServer): Promise<readonly EngineModel[]> {
  try {
    return await server.models();
  } catch (error) {
    if (error instanceof ServiceError && error.code !== 'DECODE_TIMEOUT') return [];
    throw error;
  }
}
