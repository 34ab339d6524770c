import { settings, type Setting } from '../src/config/settings';
import { markdownTable, replaceBetween, type GeneratedFile } from './generated-file';

const begin = '<!-- settings:begin -->';
const end = '<!-- settings:end -->';

function row({ env, fallback, parser, help }: Setting<unknown>): string[] {
  const unset = fallback === undefined || fallback === '';
  return [`\`${env}\``, unset ? 'none' : `\`${fallback}\``, parser.allowed, help];
}

function table(): string {
  return markdownTable(['Variable', 'Default', 'Allowed', 'What it does'], Object.values(settings).map(row));
}

/** The README's table of settings. */
export const settingsDoc: GeneratedFile = {
  path: 'README.md',
  script: 'docs',
  generate: readme => replaceBetween(readme, begin, end, table()),
};
