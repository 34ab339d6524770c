import type { EngineModel } from './engine-adapter.port';

const MODEL_FILE_END = /\.gguf$/i;

/** What a model goes by for the sake of its file: the file's name, with its ending and without. */
export function fileNamesOf(path: string): readonly string[] {
  const file = path.split(/[\\/]/).at(-1) ?? '';
  return [...new Set([file, file.replace(MODEL_FILE_END, '')])].filter(name => name !== '');
}

/** Whether a model is meant by one of these names: its id, an alias, its file. */
export function goesBy({ id, names = [] }: EngineModel, wanted: readonly string[]): boolean {
  return wanted.some(name => name === id || names.includes(name));
}
