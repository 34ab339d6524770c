import { defineConfig } from 'vitest/config';

/** The suite against real engines. It runs the built service, so nothing here needs a transform of its own. */
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.e2e.ts'],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 1,
  },
});
