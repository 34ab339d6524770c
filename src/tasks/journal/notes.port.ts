/** Texts under names that are kept over a restart: what a service has learned and would not learn again at once. */
export abstract class Notes {
  /** As they stood when this process started. */
  abstract recovered(): Promise<ReadonlyMap<string, string>>;

  /** In place of what was kept under this name. @throws ServiceError STORAGE_UNAVAILABLE */
  abstract save(name: string, text: string): Promise<void>;
}
