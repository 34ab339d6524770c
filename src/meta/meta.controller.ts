import { Controller, Get, Headers, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { API_VERSION } from './api-version';
import { CapabilitiesService } from './capabilities.service';
import { SERVICE_VERSION } from './service-version';

@ApiTags('meta')
@Controller('v2/meta')
export class MetaController {
  constructor(private readonly capabilities: CapabilitiesService) {}

  @Get('capabilities')
  @ApiOperation({
    summary: 'What is bound, and what it can do',
    description: 'Cached until the bindings change; has an ETag.',
  })
  @ApiResponse({
    status: 200,
    description: '`{api_version, engines: [{engine, ctx_max, supported_workloads, features, rate_limits, …}]}`',
  })
  @ApiResponse({ status: 304, description: 'As `If-None-Match` has it.' })
  async getCapabilities(
    @Headers('if-none-match') known: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | undefined> {
    const { snapshot, hit } = await this.capabilities.snapshot();
    void reply
      .header('ETag', snapshot.etag)
      .header('X-Cache', hit ? 'HIT' : 'MISS')
      .header('Cache-Control', 'no-cache');
    if (known?.split(',').some(tag => tag.trim().replace(/^W\//, '') === snapshot.etag || tag.trim() === '*')) {
      void reply.status(304);
      return undefined;
    }
    void reply.header('Content-Type', 'application/json; charset=utf-8');
    return snapshot.json;
  }

  @Get('version')
  @ApiOperation({ summary: 'Version of the service' })
  @ApiResponse({ status: 200, description: '`{version, api_version, node}`' })
  getVersion(): { version: string; api_version: string; node: string } {
    return { version: SERVICE_VERSION, api_version: API_VERSION, node: process.versions.node };
  }
}
