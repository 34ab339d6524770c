import { subjects, type Subject } from './conformance-subjects';

/** The cases that not every engine has, and where a subject has them. */
const variable = {
  usage: 'usage',
  'too long': 'tooLong',
  '503': 'busy',
  killed: 'killed',
  'error in a 200': 'errorIn200',
  'tool calls': 'tools',
  reasoning: 'reasoning',
  embeddings: 'embeddings',
  rerank: 'rerank',
} as const;
const always = [
  'stream',
  'abort (3 stages)',
  'stop',
  'seed',
  'bad request',
  '429 + Retry-After',
  'reset',
  'split UTF-8',
  'slow first token',
];

/** Which case runs for which adapter: ✓, or a number under which stands why not. */
export function conformanceTable(): string {
  const reasons: string[] = [];
  const mark = (hole: string): string => {
    if (!reasons.includes(hole)) reasons.push(hole);
    return String(reasons.indexOf(hole) + 1);
  };
  const cell = (subject: Subject, member: (typeof variable)[keyof typeof variable]): string => {
    const value = subject[member];
    return 'hole' in value ? mark(value.hole) : '✓';
  };
  const rows = [
    ...always.map(name => [name, ...subjects.map(() => '✓')]),
    [
      'end without the last frame',
      ...subjects.map(({ last }) =>
        last === '' ? mark('its streams have no mark of an end: the last chunk is what tells') : '✓',
      ),
    ],
    ...Object.entries(variable).map(([name, member]) => [name, ...subjects.map(subject => cell(subject, member))]),
  ];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const header = ['', ...subjects.map(({ name }) => name)];
  return [
    line(header),
    line(header.map(() => '---')),
    ...rows.map(line),
    '',
    ...reasons.map((reason, at) => `${at + 1}. ${reason}`),
  ].join('\n');
}
