import { enginesDoc } from './engines-doc';
import { errorsDoc } from './errors-doc';
import { writeOrCheck } from './generated-file';
import { openaiDifferencesDoc } from './openai-differences-doc';
import { openApiDoc } from './openapi';
import { settingsDoc } from './settings-doc';
import { structureDoc } from './structure-doc';

/** Writes what is made from the code; with `--check`, says what is out of date and fails. */
async function main(): Promise<void> {
  for (const file of [errorsDoc, settingsDoc, enginesDoc, openaiDifferencesDoc, structureDoc, await openApiDoc()])
    await writeOrCheck(file);
}

main().catch((error: unknown) => {
  process.stderr.write(`the documents cannot be made: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
