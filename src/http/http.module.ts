import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { ApiKeyGuard } from './access/api-key.guard';
import { ApiKeys } from './access/api-keys';
import { Audit } from './logging/audit';
import { CorrelationInterceptor } from './logging/correlation.interceptor';
import { EnvelopeFilter } from './answers/envelope.filter';
import { DtoValidationPipe } from './fields/validation.pipe';
import { DirectRoutes } from './routes/direct-routes';

/** What holds for every route: keys, correlation, validation, the error envelope. */
@Module({
  providers: [
    ApiKeys,
    Audit,
    { provide: APP_GUARD, useClass: ApiKeyGuard },
    { provide: APP_INTERCEPTOR, useClass: CorrelationInterceptor },
    { provide: APP_PIPE, useClass: DtoValidationPipe },
    EnvelopeFilter,
    { provide: APP_FILTER, useExisting: EnvelopeFilter },
    DirectRoutes,
  ],
  exports: [ApiKeys, DirectRoutes],
})
export class HttpModule {}
