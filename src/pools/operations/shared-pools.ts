import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { concatMap, type Subscription } from 'rxjs';
import { Narrator } from '../../observability/narrator';
import { BindingsService } from '../bindings/bindings.service';
import { PoolStore } from '../registry/pool-store.port';
import { DrainService } from './drain.service';
import { WorkElsewhere } from './work-elsewhere';

/** Brings what other nodes have bound, unbound and drained, and what they do to pools, into this one. */
@Injectable()
export class SharedPools implements OnModuleDestroy {
  private changes: Subscription | undefined;

  constructor(
    private readonly store: PoolStore,
    private readonly bindings: BindingsService,
    private readonly drains: DrainService,
    private readonly works: WorkElsewhere,
    private readonly narrator: Narrator,
  ) {}

  onModuleDestroy(): void {
    this.changes?.unsubscribe();
  }

  /** After what was kept was restored. */
  begin(): void {
    const fields = { event: 'pools_not_followed' };
    this.changes = this.store.changed$
      .pipe(
        concatMap(({ bindings, bindingsGone, drains, drainsGone, works, purges }) =>
          this.narrator.attend(
            Promise.all([this.bindings.follow(bindings, bindingsGone), this.drains.follow(drains, drainsGone)]).then(
              () => this.works.follow(works, purges),
            ),
            'What other nodes have changed of pools could not be taken in.',
            fields,
          ),
        ),
      )
      .subscribe();
    // What was changed since it was restored, and what is not restored: what others do to pools, and have done.
    this.store.tellAgain();
  }
}
