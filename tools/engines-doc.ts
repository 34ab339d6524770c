import type { OperationTable, ParameterRule } from '../src/engines/operation-table';
import { llamacppOperations } from '../src/engines/llamacpp/llamacpp-operations';
import { ollamaOperations } from '../src/engines/ollama/ollama-operations';
import { openaiOperations } from '../src/engines/openai/openai-operations';
import { sglangOperations } from '../src/engines/sglang/sglang-operations';
import { tgiOperations } from '../src/engines/tgi/tgi-operations';
import { tritonOperations } from '../src/engines/triton/triton-operations';
import { vllmOperations } from '../src/engines/vllm/vllm-operations';
import { conformanceTable } from '../test/wire/conformance-table';
import { markdownTable, replaceBetween, type GeneratedFile } from './generated-file';

const engines: Readonly<Record<string, Readonly<Record<string, OperationTable>>>> = {
  openai: openaiOperations,
  vllm: vllmOperations,
  sglang: sglangOperations,
  ollama: ollamaOperations,
  llamacpp: llamacppOperations,
  tgi: tgiOperations,
  triton: tritonOperations,
};

function fate(rule: ParameterRule): string {
  switch (rule.rule) {
    case 'passed':
      return rule.note === undefined ? 'passed' : `passed: ${rule.note}`;
    case 'renamed':
      return `\`${rule.to}\`${rule.note === undefined ? '' : `: ${rule.note}`}`;
    case 'mapped':
      return rule.note;
    case 'left-out':
      return `left out: ${rule.note}`;
    case 'refused': {
      const allowed = (rule.unless ?? []).map(value => `\`${JSON.stringify(value)}\``).join(', ');
      return `refused${allowed === '' ? '' : ` unless ${allowed}`}: ${rule.reason}`;
    }
  }
}

/** Members that go as they are stand in one row. */
function operationPart(operation: string, { route, parameters, others }: OperationTable): string {
  const entries = Object.entries(parameters);
  const plain = entries.filter(([, rule]) => rule.rule === 'passed' && rule.note === undefined);
  const special = entries.filter(([, rule]) => rule.rule !== 'passed' || rule.note !== undefined);
  const byFate = new Map<string, string[]>();
  for (const [name, rule] of special) byFate.set(fate(rule), [...(byFate.get(fate(rule)) ?? []), `\`${name}\``]);
  const rows = [
    ...(plain.length > 0 ? [[plain.map(([name]) => `\`${name}\``).join(' '), 'passed']] : []),
    ...[...byFate].map(([told, names]) => [names.join(' '), told]),
    ['any other', others],
  ];
  return `**${operation}**: ${route.replace(/(POST \S+)/g, '`$1`')}\n\n${markdownTable(['Member', 'What becomes of it'], rows)}`;
}

function operationsPart(): string {
  return Object.entries(engines)
    .map(([engine, tables]) => {
      const parts = Object.entries(tables).map(([operation, table]) => operationPart(operation, table));
      return `### ${engine}\n\n${parts.join('\n\n')}`;
    })
    .join('\n\n');
}

/** The tables of docs/engines.md, from what the adapters themselves go by. */
export const enginesDoc: GeneratedFile = {
  path: 'docs/engines.md',
  script: 'docs',
  generate: document =>
    replaceBetween(
      replaceBetween(document, '<!-- operations:begin -->', '<!-- operations:end -->', operationsPart()),
      '<!-- conformance:begin -->',
      '<!-- conformance:end -->',
      conformanceTable(),
    ),
};
