import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';

const shared = {
  // SWC, because esbuild drops the decorator metadata that Nest's injection reads.
  plugins: [swc.vite({ module: { type: 'es6' } })],
};

const bounds = {
  setupFiles: ['test/setup.ts'],
  testTimeout: 60_000,
  hookTimeout: 60_000,
  pool: 'forks' as const,
};

export default defineConfig({
  test: {
    maxWorkers: 3,
    projects: [
      {
        ...shared,
        // Specs of classes share what a worker has loaded: to load Nest and its libraries anew for each took as much time as they do.
        test: { ...bounds, name: 'src', include: ['src/**/*.spec.ts'], isolate: false },
      },
      // Those with engines and services of their own have each a process to itself.
      { ...shared, test: { ...bounds, name: 'test', include: ['test/**/*.spec.ts'] } },
    ],
  },
});
