import { resolve } from 'node:path';

export default {
  requireModule: [resolve('tools/sources.cjs')],
  require: ['features/support/*.ts', 'features/steps/*.ts'],
  format: ['progress', 'json:reports/features.json'],
  parallel: 3,
  strict: true,
  publish: false,
};
