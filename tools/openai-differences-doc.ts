import { answerDifferences, requestDifferences, type KnownDifference } from '../test/openai/known-differences';
import { markdownTable, type GeneratedFile } from './generated-file';

function table(differences: readonly KnownDifference[]): string {
  return markdownTable(
    ['Member', 'What becomes of it', 'Why'],
    differences.map(({ path, kind, reason }) => [`\`${path}\``, kind, reason]),
  );
}

/** What the service changes of OpenAI's requests and replies: a test holds recorded ones against this list. */
export const openaiDifferencesDoc: GeneratedFile = {
  path: 'docs/openai-differences.md',
  script: 'docs',
  generate: () => `# What is different from OpenAI

Requests that were recorded of OpenAI are sent to \`/v1\`, and the engine behind gives the replies that were recorded. All that differs is listed here,
member by member; a test (\`test/openai/exchanges.spec.ts\`) fails for a difference that is not in the list, and for one in the list that is not there. Every
answer, frame and request is valid by OpenAI's specification as well.

Made from \`test/openai/known-differences.ts\` by \`npm run docs\`.

## Of an answer

${table(answerDifferences)}

## Of what an engine is sent

By the \`openai\` adapter; what other kinds of engines are sent is in [engines.md](engines.md).

${table(requestDifferences)}
`,
};
