const { createHash } = require('node:crypto');
const { writeFileSync } = require('node:fs');
const { basename } = require('node:path');
const v8 = require('node:v8');
const vm = require('node:vm');
const { isMainThread } = require('node:worker_threads');

/*
 * Loaded before the built service (tools/code-cache.mjs): at its end writes down what V8 has compiled of each file that it loads with a cache.
 */

// A cache holds for the very flags that it was made with, and the service sets one while it runs.
v8.setFlagsFromString = () => {};

if (isMainThread) {
  const scripts = [];
  vm.Script = class extends vm.Script {
    constructor(source, options) {
      // Its name is kept too, and V8 goes on using that one: a folder would be that of the machine that built.
      super(source, { ...options, filename: basename(options.filename) });
      scripts.push([options.filename, this]);
    }
  };
  process.on('exit', code => {
    if (code !== 0) return;
    for (const [file, script] of scripts) {
      const code = script.createCachedData();
      const digest = createHash('sha256').update(code).digest();
      writeFileSync(`${file}.cache`, Buffer.concat([code, digest]));
    }
  });
}
