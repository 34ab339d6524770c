import { basename } from 'node:path';
import { Writable } from 'node:stream';
import { loadConfiguration, runCucumber } from '@cucumber/cucumber/api';

type Message = Parameters<NonNullable<Parameters<typeof runCucumber>[2]>>[0];
type Kept<K extends keyof Message> = Map<string, NonNullable<Message[K]>>;

/** A scenario as Cucumber would run it: its own tags with its feature's, an outline once. */
export interface Scenario {
  readonly title: string;
  readonly file: string;
  /** Without the `@`. */
  readonly tags: readonly string[];
  /** The files its steps are in, in the order of the alphabet, without folder and `.steps.ts`. */
  readonly steps: readonly string[];
}

export interface Scenarios {
  readonly scenarios: readonly Scenario[];
  /** Steps that nothing or more than one definition takes, and definitions that no step needs. */
  readonly faults: readonly string[];
}

/** Has Cucumber match every step with its definition, running none. */
export async function readScenarios(): Promise<Scenarios> {
  const pickles: Kept<'pickle'> = new Map();
  const definitions: Kept<'stepDefinition'> = new Map();
  const cases: NonNullable<Message['testCase']>[] = [];
  const { runConfiguration } = await loadConfiguration({ provided: { dryRun: true, parallel: 0 } });
  const { support, sources, runtime } = runConfiguration;
  // The messages are all that is wanted; what would be printed goes nowhere.
  const stdout = new Writable({ write: (_chunk, _encoding, done) => done() });
  const formats = { stdout: 'message', files: {}, publish: false as const, options: {} };
  await runCucumber({ support, sources, runtime, formats }, { stdout }, message => {
    if (message.pickle) pickles.set(message.pickle.id, message.pickle);
    if (message.stepDefinition) definitions.set(message.stepDefinition.id, message.stepDefinition);
    if (message.testCase) cases.push(message.testCase);
  });

  const faults: string[] = [];
  const unused = new Set(definitions.keys());
  const scenarios = new Map<string, Scenario>();
  for (const { pickleId, testSteps } of cases) {
    const pickle = pickles.get(pickleId);
    if (!pickle) continue;
    const files = new Set<string>();
    for (const { pickleStepId, stepDefinitionIds: ids = [] } of testSteps) {
      if (pickleStepId === undefined) continue; // A hook.
      if (ids.length !== 1) {
        const text = pickle.steps.find(({ id }) => id === pickleStepId)?.text ?? '';
        faults.push(`${pickle.uri}: "${text}" has ${ids.length} step definitions`);
      }
      for (const id of ids) {
        unused.delete(id);
        files.add(basename(definitions.get(id)?.sourceReference.uri ?? '', '.steps.ts'));
      }
    }
    const { name: title, uri: file, tags } = pickle;
    const key = `${file} ${title}`;
    for (const step of scenarios.get(key)?.steps ?? []) files.add(step);
    scenarios.set(key, { title, file, tags: tags.map(({ name }) => name.slice(1)), steps: [...files].sort() });
  }
  for (const id of unused) {
    const { pattern, sourceReference } = definitions.get(id) ?? {};
    faults.push(`${sourceReference?.uri ?? ''}: no scenario needs "${pattern?.source ?? ''}"`);
  }
  return { scenarios: [...scenarios.values()], faults };
}
