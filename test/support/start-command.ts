import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** What `npm start` gives to Node before the program, as an image and a measurement have to. */
export function startFlags(): readonly string[] {
  const file = readFileSync(resolve(__dirname, '../../package.json'), 'utf8');
  const { scripts } = JSON.parse(file) as { readonly scripts: Readonly<Record<string, string>> };
  const [, flags] = / node((?: --\S+)*) dist\/main\.js$/.exec(scripts['start'] ?? '') ?? [];
  if (flags === undefined) throw new Error('package.json: "start" does not end with the service');
  return flags.split(' ').filter(flag => flag !== '');
}
