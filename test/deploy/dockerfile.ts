export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The instructions of each stage, the `FROM` first; global `ARG`s stand before all of them. */
export interface Dockerfile {
  readonly args: readonly Instruction[];
  readonly stages: readonly (readonly Instruction[])[];
}

/** Reads what our Dockerfile uses: comments, continued lines, stages. No here-documents. */
export function parseDockerfile(source: string): Dockerfile {
  const lines = source.split('\n').filter(line => !/^\s*(#|$)/.test(line));
  const instructions = lines
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map(line => {
      const [, name = '', text = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
      return { name: name.toUpperCase(), text };
    });
  const args: Instruction[] = [];
  const stages: Instruction[][] = [];
  for (const instruction of instructions) {
    if (instruction.name === 'FROM') stages.push([]);
    (stages.at(-1) ?? args).push(instruction);
  }
  return { args, stages };
}

/** The texts of all instructions of that name. */
export function textsOf(stage: readonly Instruction[], name: string): string[] {
  return stage.filter(instruction => instruction.name === name).map(({ text }) => text);
}

/** The arguments of an instruction in exec form; undefined where it is in shell form. */
export function execForm(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.map(String) : undefined;
  } catch {
    return undefined;
  }
}

/** The variables that the stage sets. */
export function environmentOf(stage: readonly Instruction[]): Record<string, string> {
  const pairs = textsOf(stage, 'ENV').flatMap(text => [...text.matchAll(/(\w+)=(\S+)/g)]);
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]));
}
