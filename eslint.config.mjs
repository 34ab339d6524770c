import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const environment = 'Only src/config reads the environment: take the value from Config';
const time = 'Time is told by the Clock (or RunningTime, where it outlives the process), which a test can set';
const documents = 'It is loaded when the document is made: take decorators from src/http/documents/decorators';

/** Rules whose finding is a bug more often than not; formatting is Prettier's and arrows between modules dependency-cruiser's. */
export default defineConfig(
  globalIgnores(['dist/', 'dist-*/', 'coverage/', 'reports/', 'node_modules/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'max-lines': ['warn', { max: 300 }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      '@typescript-eslint/no-floating-promises': 'error',
      // Handlers that return a promise to an event emitter lose its rejection; a Nest hook or a callback typed for both does not.
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // Knows decorator metadata from the tsconfig, so an injected class keeps its value import.
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/only-throw-error': 'error',
      // Ports are asynchronous whatever the driver does; a driver in memory has nothing to await.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/**', 'src/main.ts', 'src/serve.ts', 'src/storage/sqlite/file/failpoints.ts', '**/*.spec.ts'],
    rules: {
      // The log is the narrator's; a line beside it has no correlation id.
      'no-console': 'error',
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: environment }],
      'no-restricted-imports': [
        'error',
        { paths: ['process', 'node:process'].map(name => ({ name, importNames: ['env'], message: environment })) },
      ],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { paths: [{ name: '@nestjs/swagger', allowTypeImports: true, message: documents }] },
      ],
    },
  },
  {
    // performance.now() is let be: what a process takes itself is measured with it.
    files: ['src/**/*.ts'],
    ignores: ['src/time/**', '**/*.spec.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...[
          "MemberExpression[object.name='Date'][property.name='now']",
          "VariableDeclarator[init.name='Date'] Property[key.name='now']",
          "NewExpression[callee.name='Date'][arguments.length=0]",
          "CallExpression[callee.name='Date']",
        ].map(selector => ({ selector, message: time })),
      ],
    },
  },
  {
    // What is loaded when it is asked for, and at once; see there.
    files: ['src/main.ts', 'src/program.ts', 'test/crash/forgetful-service.ts'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    // An assertion may look at a method without calling it, and a test reads JSON whose shape it is about to check.
    files: ['**/*.spec.ts', 'test/**/*.ts', 'features/**/*.ts'],
    rules: {
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      'max-lines': ['warn', { max: 400 }],
    },
  },
);
