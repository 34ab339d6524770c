import { budgets, sessionStoreContract } from '../../../test/contracts/session-store.contract';
import { loadConfig } from '../../config/config';
import { Clock } from '../../time/clock';
import { MemorySessionStore } from './session-store.memory';

sessionStoreContract('MemorySessionStore', async () => {
  let nowMs = 1_000_000;
  const clock = Object.assign(new Clock(), { nowMs: () => nowMs });
  const { config } = loadConfig({
    ORCHD_SESSION_TOKENS_BUDGET: String(budgets.tokens),
    ORCHD_SESSION_TIME_BUDGET_MS: String(budgets.timeMs),
    ORCHD_SESSION_COST_BUDGET: String(budgets.cost),
    ORCHD_SESSION_TTL_MS: String(budgets.ttlMs),
    ORCHD_SESSIONS_MAX: String(budgets.maxSessions),
  });
  return { store: new MemorySessionStore(config, clock), advance: ms => void (nowMs += ms) };
});
