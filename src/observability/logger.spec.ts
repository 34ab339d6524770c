import fc from 'fast-check';
import { expect, it } from 'vitest';
import { followContext } from './log-context';
import { Clock } from '../time/clock';
import { LineText } from './line-text';
import { Logger } from './logger';

const hostile = 'x\n{"event":"forged"}\r\u001b[2J\u0085\u009b\u2028\u2029\u202e\u{e0041}';

function text(logFormat: 'json' | 'pretty', log: (logger: Logger) => void): string {
  const lines: string[] = [];
  log(new Logger({ logLevel: 'trace', logFormat }, { write: line => void lines.push(line) }));
  return lines.join('');
}
const prettyText = (log: (logger: Logger) => void): string => text('pretty', log);
const jsonText = (log: (logger: Logger) => void): string => text('json', log);

it('shows a line for people', () => {
  const text = prettyText(logger =>
    logger.info({ event: 'bound', pool_id: 'p', note: 'a b', slots: 2 }, 'It is bound.'),
  );
  expect(text).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}It is bound\. {2}pool_id=p note="a b" slots=2\n$/);
});

it.each([
  ['the sentence', (logger: Logger) => logger.info({ event: 'e' }, hostile)],
  ['a field', (logger: Logger) => logger.info({ event: 'e', field: hostile }, 'h')],
  ["a field's name", (logger: Logger) => logger.info({ event: 'e', [hostile]: 1 }, 'h')],
  ['a cause', (logger: Logger) => logger.error({ event: 'e', human: 'h' }, new Error(hostile))],
  ["the framework's words", (logger: Logger) => logger.warn(hostile)],
])('stays one line, and drives no terminal, whatever stands in %s', (_, log) => {
  const pretty = prettyText(log);
  expect(pretty.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(pretty.endsWith('\n')).toBe(true);
  const json = jsonText(log);
  expect(json.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
  expect(JSON.stringify(JSON.parse(json))).toContain(JSON.stringify(hostile).slice(1, 20));
});

it('cannot be made to show a field that nobody logged', () => {
  expect(prettyText(logger => logger.info({ event: 'e', note: 'x level=FATAL' }, 'h'))).toContain(
    'note="x level=FATAL"',
  );
});

const member = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.boolean(),
  fc.constantFrom(undefined, null, ['a']),
);

const told = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(hostile, '"\\', ''),
  fc.double(),
  fc.constant(undefined),
);

it.each(['json', 'pretty'] as const)('says the same of what was put together by its sender (%s)', form => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.stringMatching(/^[b-z_]{1,8}$/), told)), fc.string(), (members, human) => {
      const fields = { event: 'e', ...Object.fromEntries(members) };
      const line = new LineText('e');
      for (const [name, value] of Object.entries(fields)) if (name !== 'event') line.add(name, value);
      const [put, made] = [(to: Logger) => to.infoText(line, human), (to: Logger) => to.info(fields, human)].map(log =>
        text(form, log).replace(/"time":"[^"]*"|^[\d:.]+/, ''),
      );
      expect(put).toBe(made);
    }),
  );
});

it('says nothing of another request whose work ends a task: who sent that is not who sent the task', () => {
  const said = jsonText(logger => {
    followContext({ correlation_id: 'c', identity: 'i' }, () =>
      logger.infoText(new LineText('e').add('correlation_id', 'own').add('identity', undefined), 'h'),
    )();
  });
  expect(JSON.parse(said)).toEqual({
    ...{ level: 'info', time: expect.any(String) as string },
    ...{ event: 'e', correlation_id: 'own', human: 'h' },
  });
});

it('says the same of a decision as of what is out of the ordinary, but for its level', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), member), fc.string(), (members, human) => {
      const fields = { event: 'e', ...members };
      const info = jsonText(logger => logger.info(fields, human)).replace(/"time":"[^"]*"/, '');
      const warned = jsonText(logger => logger.warn({ ...fields, human })).replace(/"time":"[^"]*"/, '');
      expect(JSON.parse(info.replace('"info",', '"info"'))).toEqual(JSON.parse(warned.replace('"warn",', '"info"')));
    }),
  );
});

it('carries the request that a decision belongs to', () => {
  const line = jsonText(logger => {
    const release = followContext({ correlation_id: 'c-1' }, () => logger.info({ event: 'e' }, 'h'));
    release();
  });
  expect(JSON.parse(line)).toMatchObject({ level: 'info', correlation_id: 'c-1', event: 'e', human: 'h' });
});

it('tells of a fault that the framework gives it as of every other', () => {
  const line = JSON.parse(jsonText(logger => logger.error(new Error('no such thing'), 'ExceptionHandler'))) as {
    readonly cause: { readonly stack: string };
  };
  expect(line).toMatchObject({ event: 'framework', human: 'no such thing', cause: { name: 'Error' } });
  expect(line.cause.stack).toContain('logger.spec.ts');
});

it('tells no decisions below its level', () => {
  const lines: string[] = [];
  const logger = new Logger({ logLevel: 'warn', logFormat: 'json' }, { write: line => void lines.push(line) });
  logger.info({ event: 'e' }, 'h');
  expect(lines).toEqual([]);
});

it('tells the time of its clock, in lines of every level', () => {
  const lines: string[] = [];
  let wallMs = 1_700_000_000_123;
  const clock = Object.assign(new Clock(), { wallMs: () => wallMs });
  const config = { logLevel: 'info', logFormat: 'json' } as const;
  const logger = new Logger(config, { write: line => void lines.push(line) }, clock);
  logger.info({ event: 'e' }, 'h');
  wallMs += 1000;
  logger.warn({ event: 'e', human: 'h' });
  const times = lines.map(line => (JSON.parse(line) as { readonly time: string }).time);
  expect(times).toEqual(['2023-11-14T22:13:20.123Z', '2023-11-14T22:13:21.123Z']);
});
