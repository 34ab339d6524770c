'use strict';
/*
 * Loaded before a program: its wall clock is off by as many milliseconds as the file named by CLOCK_OFFSET_FILE says. It is read
 * again at SIGUSR2; the file is emptied when that is done. What the program takes from the monotonic clock stays as it is.
 */
const { readFileSync, writeFileSync } = require('node:fs');

const file = process.env.CLOCK_OFFSET_FILE ?? '';
const RealDate = Date;
let offsetMs = 0;

globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length > 0 ? args : [RealDate.now() + offsetMs]));
  }

  static now() {
    return RealDate.now() + offsetMs;
  }
};

function take() {
  offsetMs = Number(readFileSync(file, 'utf8'));
}

take();
process.on('SIGUSR2', () => {
  take();
  writeFileSync(file, '');
});
