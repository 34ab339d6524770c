import { Module } from '@nestjs/common';
import { MemorySessionStore } from '../storage/memory/session-store.memory';
import { JournalModule } from '../tasks/journal/journal.module';
import { SessionStore } from './session-store.port';
import { SessionsController } from './sessions.controller';
import { SessionsService } from './sessions.service';

@Module({
  imports: [JournalModule],
  controllers: [SessionsController],
  providers: [{ provide: SessionStore, useClass: MemorySessionStore }, SessionsService],
  exports: [SessionStore],
})
export class SessionsModule {}
