import type { ArtifactInfo, ArtifactStore } from '../../artifacts/artifact-store.port';
import type { ModelCatalog } from '../../catalog/model-catalog.port';
import type { ApiRecords, RecordKind } from '../../records/api-records.port';
import type { FileContents } from '../../uploads/file-contents.port';
import type { Moved } from './moved';

const PAGE = 200;
const PIECE_BYTES = 256 * 1024;
const recordKinds: readonly RecordKind[] = ['response', 'conversation', 'file', 'batch'];

export async function* modelsOf(catalog: ModelCatalog): AsyncGenerator<Moved['models']> {
  for (let afterId: string | undefined; ;) {
    const page = await catalog.list(afterId, PAGE);
    yield* page;
    if (page.length < PAGE) return;
    afterId = page.at(-1)?.id;
  }
}

/** Newest first; one that is damaged, or goes meanwhile, is not there. */
export async function* artifactsOf(artifacts: ArtifactStore): AsyncGenerator<Moved['artifacts']> {
  for (let after: ArtifactInfo | undefined; ;) {
    const page = await artifacts.list({ limit: PAGE, ...(after && { after }) });
    for (const info of page) {
      const json = await artifacts.get(info.id).catch(() => undefined);
      if (json !== undefined) yield { info, json };
    }
    if (page.length < PAGE) return;
    after = page.at(-1);
  }
}

export async function* recordsOf(records: ApiRecords): AsyncGenerator<Moved['records']> {
  for (const kind of recordKinds) {
    for (let afterSeq: number | undefined; ;) {
      const page = await records.list({
        ...{ kind, order: 'oldest first' as const, limit: PAGE },
        ...(afterSeq !== undefined && { afterSeq }),
      });
      yield* page;
      if (page.length < PAGE) break;
      afterSeq = page.at(-1)?.seq;
    }
  }
}

/** What files hold: those that are kept, and those that batches which have not ended write. */
export async function* contentsOf(records: ApiRecords, contents: FileContents): AsyncGenerator<Moved['contents']> {
  for await (const { kind, id, text, isOpen } of recordsOf(records)) {
    if (kind === 'file') yield* piecesOf(contents, id);
    if (kind !== 'batch' || !isOpen) continue;
    const { outputFileId, errorFileId } = JSON.parse(text) as Readonly<Record<string, string>>;
    for (const each of [outputFileId, errorFileId]) {
      // One that was ending may have one of them among the files already.
      if (each !== undefined && !(await records.find('file', each))) yield* piecesOf(contents, each);
    }
  }
}

async function* piecesOf(contents: FileContents, id: string): AsyncGenerator<Moved['contents']> {
  for (let atByte = 0; ;) {
    const piece = await contents.read(id, atByte, PIECE_BYTES);
    if (piece.length === 0) return;
    yield { id, atByte, piece };
    atByte += piece.length;
  }
}
