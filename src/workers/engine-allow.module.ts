import { Global, Module } from '@nestjs/common';
import { EngineConnectPolicy } from '../engines/engine-connect';
import { EngineKeys } from '../engines/engine-keys';
import { EngineAllow } from '../pools/bindings/engine-allow.port';
import { EngineAddressPolicy } from './engine-allow';
import { EngineKeyFiles } from './engine-key-files';

/** What stands between us and engines: at which addresses they may live, when one is named and when it is connected to; their keys. */
@Global()
@Module({
  providers: [
    EngineAddressPolicy,
    { provide: EngineAllow, useExisting: EngineAddressPolicy },
    { provide: EngineConnectPolicy, useExisting: EngineAddressPolicy },
    { provide: EngineKeys, useClass: EngineKeyFiles },
  ],
  exports: [EngineAllow, EngineConnectPolicy, EngineKeys],
})
export class EngineAllowModule {}
