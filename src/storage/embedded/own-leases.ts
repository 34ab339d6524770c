import { Injectable } from '@nestjs/common';
import { NEVER } from 'rxjs';
import type { RecordKind } from '../../records/api-records.port';
import type { RecordLease } from '../../records/record-lease';
import { RecordLeases } from '../../records/record-leases.port';

/** There is no other node: this one holds all. */
@Injectable()
export class OwnLeases extends RecordLeases {
  override readonly areShared = false;
  override readonly lost$ = NEVER;
  override readonly free$ = NEVER;
  override readonly asked$ = NEVER;

  async rouse(): Promise<void> {}

  elsewhere(): number {
    return 0;
  }

  holders(): number {
    return 1;
  }

  async take(kind: RecordKind, id: string): Promise<RecordLease> {
    return { kind, id, token: '' };
  }

  async end(): Promise<void> {}

  async leave(): Promise<void> {}

  say(): void {
    // Nobody else wants to know.
  }

  async said(): Promise<ReadonlyMap<string, string>> {
    return new Map();
  }

  async ask(): Promise<void> {}
}
