import type { Random } from '../crash/random';

/** Texts that have broken programs before. */
export const hostileTexts: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\n',
  'a\r\nX-Injected: 1',
  '\u001b[31m',
  '\u202ereversed',
  '\ufeff',
  '\ufe0f'.repeat(40),
  '\u{1F600}'.repeat(40),
  '\ud800',
  'e\u0301'.repeat(20),
  '../../etc/passwd',
  '..\\..\\windows',
  '/etc/passwd',
  '%2e%2e%2f',
  '%00',
  "' OR 1=1 --",
  '${jndi:ldap://127.0.0.1/x}',
  '{{7*7}}',
  '<script>alert(1)</script>',
  '$(reboot)',
  '%s%n%p',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  'true',
  '-1',
  '0',
  '1e999',
  '9'.repeat(40),
  'x'.repeat(129),
  'x'.repeat(257),
  'x'.repeat(4097),
];

const hostileNumbers: readonly number[] = [
  0,
  -0,
  -1,
  1,
  0.1,
  -0.5,
  1e-320,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 63),
  1e21,
  Number.MAX_VALUE,
];

/** Any JSON value, at most three levels deep. */
export function anyJson(random: Random, depth = 3): unknown {
  switch (random.below(depth > 0 ? 8 : 5)) {
    case 0:
      return null;
    case 1:
      return random.below(2) === 0;
    case 2:
      return random.pick(hostileNumbers);
    case 3:
      return random.pick(hostileTexts).toWellFormed();
    case 4:
      return plainText(random, 0, 20);
    case 5:
    case 6:
      return Array.from({ length: random.below(4) }, () => anyJson(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [plainText(random, 0, 8), anyJson(random, depth - 1)]),
      );
  }
}

const letters = [...'abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 .,:;-_/ äöüßéñ語ж\u{1F600}'];

/** Well-formed text of so many characters. */
export function plainText(random: Random, least: number, most: number): string {
  const length = least + random.below(most - least + 1);
  return Array.from({ length }, () => random.pick(letters)).join('');
}
