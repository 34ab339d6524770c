import { Module } from '@nestjs/common';
import { MemorySessionStore } from '../storage/memory/session-store.memory';
import { JournalModule } from '../tasks/journal/journal.module';
import { ForgottenSessions } from './forgotten-sessions.port';
import { SessionStore } from './session-store.port';
import { SessionsController } from './sessions.controller';
import { SessionsService } from './sessions.service';

@Module({
  imports: [JournalModule],
  controllers: [SessionsController],
  providers: [
    MemorySessionStore,
    { provide: SessionStore, useExisting: MemorySessionStore },
    { provide: ForgottenSessions, useExisting: MemorySessionStore },
    SessionsService,
  ],
  exports: [SessionStore],
})
export class SessionsModule {}
