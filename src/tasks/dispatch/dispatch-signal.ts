import { Injectable } from '@nestjs/common';
import { Subject, type Observable } from 'rxjs';

/** Says that a task may have become able to start. Emitting makes the dispatcher look; it may find nothing to do. */
@Injectable()
export class DispatchSignal {
  private readonly subject = new Subject<void>();
  readonly wake$: Observable<void> = this.subject.asObservable();

  wake(): void {
    this.subject.next();
  }
}
