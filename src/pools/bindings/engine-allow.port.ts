export type AllowVerdict =
  | { readonly ok: true }
  /** `mayPass`: nothing is wrong with the URL, and the same one may be allowed later. */
  | { readonly ok: false; readonly reason: string; readonly mayPass: boolean };

/** Decides where an engine may live (`ORCHD_ENGINE_ALLOW`): asked before anything is sent to an address. */
export abstract class EngineAllow {
  /** The reason is a sentence for whoever named the URL; it does not repeat what a name resolved to. */
  abstract check(url: string): Promise<AllowVerdict>;
}
