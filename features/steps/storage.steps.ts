import { rmSync } from 'node:fs';
import { Given } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

Given('the data folder has been deleted', async function (this: ServiceWorld) {
  await this.service();
  rmSync(this.env['ORCHD_DATA_DIR'] ?? '', { recursive: true });
  this.expectedErrors.add('journal_gone');
});
