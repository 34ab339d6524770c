export type AllowVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Decides where an engine may live (`ORCHD_ENGINE_ALLOW`): asked before anything is sent to an address. */
export abstract class EngineAllow {
  /** The reason is a sentence for whoever named the URL; it does not repeat what a name resolved to. */
  abstract check(url: string): Promise<AllowVerdict>;
}
