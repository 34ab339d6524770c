/**
 * The arrows of the architecture, as rules that run. Each has a reason; where a rule is in the way of something good,
 * change the rule and say why in the commit. Paths are anchored: `^src/storage/` never matches a folder further down.
 */

const { readdirSync } = require('node:fs');
const { join } = require('node:path');
const rooms = require('./tools/rooms.json');

const SPEC = '\\.spec\\.ts$';
/** Composes the adapters, which stand in folders below its own and need the port beside it. */
const ENGINES_MODULE = '^src/engines/engines\\.module\\.ts$';

/** Matches the files of these folders, without those of folders in them. */
function filesOf(folders) {
  const paths = folders.map(folder => (folder === '.' ? '' : `${folder.replaceAll('.', '\\.')}/`));
  return `^src/(${paths.join('|')})[^/]+$`;
}

/** Folders of src/ that hold files, as `tools/rooms.json` names them. */
function foldersOf(folder = '.') {
  const entries = readdirSync(join(__dirname, 'src', folder), { withFileTypes: true });
  const below = entries.filter(entry => entry.isDirectory()).flatMap(({ name }) => foldersOf(join(folder, name)));
  return entries.some(entry => entry.isFile()) ? [folder, ...below] : below;
}

/**
 * tools/rooms.json lists the folders of src/ in an order in which each needs only those before it, so no two need each other, nor do
 * three in a ring; types count. The order is by hand: where a new folder stands in it is a decision.
 */
function roomOrder() {
  const named = rooms.map(({ folder }) => folder);
  const odd = foldersOf()
    .filter(folder => !named.includes(folder))
    .map(folder => `src/${folder} is not in tools/rooms.json: name it there, after all that it imports`)
    .concat(named.filter(folder => !foldersOf().includes(folder)).map(folder => `there is no src/${folder}`));
  if (odd.length > 0) throw new Error(`tools/rooms.json: ${odd.join('; ')}`);
  return named.slice(0, -1).map((folder, index) => ({
    name: `rooms-in-order: ${folder}`,
    comment: `A folder imports folders before its own in tools/rooms.json, never those after it. Exempt: ${ENGINES_MODULE}`,
    severity: 'error',
    from: { path: filesOf([folder]), pathNot: [SPEC, ENGINES_MODULE] },
    to: { path: filesOf(named.slice(index + 1)) },
  }));
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...roomOrder(),
    {
      name: 'no-cycles',
      comment:
        'Two files that need each other are one thing cut in two; a module cycle also breaks injection at start.',
      severity: 'error',
      from: { path: '^(src|test|features|tools)/' },
      to: { circular: true },
    },
    {
      name: 'controllers-reach-services-only',
      comment:
        'Controllers → services → ports. A controller that talks to a port takes over decisions that belong to a service.',
      severity: 'error',
      from: { path: '^src/.+\\.controller\\.ts$' },
      to: { path: '^src/.+\\.port\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'controllers-know-no-engine',
      comment: 'How an engine is spoken to is the business of its adapter, and of the services above it.',
      severity: 'error',
      from: { path: '^src/.+\\.controller\\.ts$' },
      to: { path: '^src/(storage|engines)/' },
    },
    {
      name: 'only-storage-names-drivers',
      comment:
        'Whoever names a driver cannot run on another one. The storage module binds ports to drivers, a move is between two of them; a spec may look.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/storage/', SPEC] },
      to: { path: '^src/storage/', pathNot: '^src/storage/(storage\\.module|move/move-command)\\.ts$' },
    },
    {
      name: 'only-modules-name-adapters',
      comment: 'Adapters are found through the engine registry, so that one more engine touches one module file.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/engines/[^/]+/', '^src/engines/[^/]+\\.module\\.ts$', SPEC] },
      to: { path: '^src/engines/[^/]+/.+\\.adapter\\.ts$' },
    },
    {
      name: 'adapters-are-strangers',
      comment:
        "One engine's special case must not leak into another. What they share is transport, in src/engines/wire.",
      severity: 'error',
      from: { path: '^src/engines/(?!wire/|connections/)([^/]+)/', pathNot: SPEC },
      to: { path: '^src/engines/[^/]+/', pathNot: ['^src/engines/$1/', '^src/engines/wire/'] },
    },
    {
      name: 'wire-knows-no-engine',
      comment: 'The shared transport stays general: a vendor in it would be a vendor in every adapter.',
      severity: 'error',
      from: { path: '^src/engines/(wire|connections)/', pathNot: SPEC },
      to: { path: '^src/engines/(?!wire/|connections/)[^/]+/' },
    },
    {
      name: 'engines-know-no-task',
      comment: 'An engine runs requests. The types it shares with those who ask stand in engine-adapter.port.ts.',
      severity: 'error',
      from: { path: '^src/engines/', pathNot: SPEC },
      to: { path: '^src/(tasks|pools|sessions|workers|handoff|catalog|artifacts|http|storage)/' },
    },
    {
      name: 'errors-at-the-bottom',
      comment: 'Everything may throw a ServiceError, so the catalogue may need nothing.',
      severity: 'error',
      from: { path: '^src/errors/', pathNot: SPEC },
      to: { path: '^src/(?!errors/)' },
    },
    {
      name: 'time-at-the-bottom',
      comment: 'Clock and Alarms serve every module; a dependency upwards would close a circle.',
      severity: 'error',
      from: { path: '^src/time/', pathNot: SPEC },
      to: { path: '^src/(?!time/)' },
    },
    {
      name: 'config-at-the-bottom',
      comment: 'Settings are read before anything else exists, the log included.',
      severity: 'error',
      from: { path: '^src/config/', pathNot: SPEC },
      to: { path: '^src/(?!config/)' },
    },
    {
      name: 'observability-knows-no-feature',
      comment: 'Features report; what they report to must not know them.',
      severity: 'error',
      from: { path: '^src/observability/', pathNot: SPEC },
      to: { path: '^src/(tasks|pools|sessions|workers|handoff|catalog|artifacts|engines|storage)/' },
    },
    {
      name: 'domain-knows-no-http',
      comment:
        'Ports and domain types outlive the framework at the edge: no Nest, no Fastify, no HTTP decorators in them.',
      severity: 'error',
      from: { path: ['^src/.+\\.port\\.ts$', '^src/tasks/task/task\\.ts$', '^src/pools/registry/pool\\.ts$'] },
      to: { path: '(^|/)node_modules/(@nestjs|@fastify|fastify|class-validator|class-transformer)/|^src/http/' },
    },
    {
      name: 'product-without-scaffolding',
      comment: 'The image holds src alone: an import of tests or tools would work here and fail there.',
      severity: 'error',
      from: { path: '^src/', pathNot: SPEC },
      to: { path: '^(test|features|tools)/' },
    },
    {
      name: 'product-without-dev-dependencies',
      comment: 'The image is installed without development dependencies.',
      severity: 'error',
      from: { path: '^src/', pathNot: SPEC },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '(^|/)node_modules/@types/' },
    },
    {
      name: 'only-declared-packages',
      comment: "A package that is there because another one needs it goes when that other one's next version does.",
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'undetermined'] },
    },
    {
      name: 'everything-resolves',
      comment: 'An import that leads nowhere fails at run time. (The newest clients are fetched where they run.)',
      severity: 'error',
      from: { pathNot: '^test/clients/newest/.*[.]mjs$' },
      to: { couldNotResolve: true },
    },
    {
      name: 'only-the-driver-loads-sqlite',
      comment:
        'Which version of better-sqlite3 a Node can run is chosen in one place; types may come from the package.',
      severity: 'error',
      from: { pathNot: '^src/storage/sqlite/file/driver\\.ts$' },
      to: { path: '(^|/)node_modules/better-sqlite3', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'specs-are-leaves',
      comment: 'What two specs share belongs into test/support, or one failing spec takes others with it.',
      severity: 'error',
      from: {},
      to: { path: SPEC },
    },
  ],
  options: {
    doNotFollow: { path: '(^|/)node_modules/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
