import { Global, Module } from '@nestjs/common';
import { EngineConnectPolicy } from '../engines/engine-connect';
import { EngineAllow } from '../pools/engine-allow.port';
import { EngineAddressPolicy } from './engine-allow';

/** One policy for both moments: when an address is named, and when it is connected to. */
@Global()
@Module({
  providers: [
    EngineAddressPolicy,
    { provide: EngineAllow, useExisting: EngineAddressPolicy },
    { provide: EngineConnectPolicy, useExisting: EngineAddressPolicy },
  ],
  exports: [EngineAllow, EngineConnectPolicy],
})
export class EngineAllowModule {}
