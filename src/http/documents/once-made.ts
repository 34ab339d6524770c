/** Makes something when it is first asked for, for all that ask. Where that fails, whoever asks next has it tried again: files may be short just then. */
export function onceMade<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((fault: unknown) => {
      made = undefined;
      throw fault;
    });
    return made;
  };
}
