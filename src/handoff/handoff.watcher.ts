import { watch, type FSWatcher } from 'node:fs';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Config } from '../config/config';
import { Narrator } from '../observability/narrator';
import { HandoffService } from './handoff.service';

const INTERVAL = 'handoff-scan';

/**
 * Scans the handoff folder for ever: at an interval, and at once when the platform reports a change. The interval alone is
 * enough; events only make it quicker, and are taken up again whenever the folder comes back.
 */
@Injectable()
export class HandoffWatcher implements OnApplicationBootstrap, OnApplicationShutdown {
  private events: FSWatcher | undefined;
  private scanning = false;
  private again = false;
  private stopped = false;

  constructor(
    private readonly config: Config,
    private readonly handoffs: HandoffService,
    private readonly schedule: SchedulerRegistry,
    private readonly narrator: Narrator,
  ) {}

  onApplicationBootstrap(): void {
    const timer = setInterval(() => {
      this.listen();
      void this.scan();
    }, this.config.handoffWatchIntervalMs);
    this.schedule.addInterval(INTERVAL, timer);
    this.listen();
    void this.scan();
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    this.events?.close();
    if (this.schedule.doesExist('interval', INTERVAL)) this.schedule.deleteInterval(INTERVAL);
  }

  private async scan(): Promise<void> {
    this.again = true;
    if (this.scanning) return;
    this.scanning = true;
    try {
      while (this.again && !this.stopped) {
        this.again = false;
        await this.handoffs.scan();
      }
    } catch (cause) {
      this.narrator.warn(
        'A scan of the handoff folder failed; the watch goes on.',
        { event: 'handoff_scan_failed' },
        cause,
      );
    } finally {
      this.scanning = false;
    }
  }

  private listen(): void {
    if (this.events || this.stopped) return;
    try {
      const events = watch(this.config.runtimeDir, { persistent: false }, kind => {
        // The folder itself may have gone: listen to the one that took its place, now or at the next interval.
        if (kind === 'rename') {
          this.deafen(events);
          this.listen();
        }
        void this.scan();
      });
      events.on('error', () => this.deafen(events));
      this.events = events;
    } catch {
      // No folder yet, or no events on this platform.
    }
  }

  private deafen(events: FSWatcher): void {
    events.close();
    if (this.events === events) this.events = undefined;
  }
}
