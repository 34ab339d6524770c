export default {
  requireModule: ['@swc-node/register'],
  require: ['features/support/*.ts', 'features/steps/*.ts'],
  format: ['progress', 'json:reports/features.json'],
  parallel: 3,
  strict: true,
  publish: false,
};
