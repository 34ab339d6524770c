import type { EngineSettings } from './engine-options';
import type { FaultBoard } from './faults';
import type { Ledger } from './ledger';
import type { Pacer } from './pacer';
import type { Sendings } from './sendings';
import type { Sleep } from './sleep';

/** What can be turned while the engine runs. */
export interface Controls {
  tokensPerSecond: number;
  prefillMs: number;
  /** How long nothing may have been sent to anybody before a client is missed to which there is nothing to send; 0: at once. */
  noticeMs: number;
  /** Whether every route but the list of models answers 503 "Loading model". */
  loading: boolean;
  /** Models of a router whose process dies while it loads. */
  brokenModels: readonly string[];
}

/** What all parts of a running engine share. */
export interface EngineCore {
  readonly settings: EngineSettings;
  readonly controls: Controls;
  readonly faults: FaultBoard;
  readonly pacer: Pacer;
  readonly ledger: Ledger;
  readonly sendings: Sendings;
  readonly sleep: Sleep;
  /** Ends the engine as a crash would. */
  die(): void;
}
