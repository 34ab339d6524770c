import { Controller, Get, Headers, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '../http/documents/decorators';
import type { FastifyReply } from 'fastify';
import { CapabilitiesService } from './capabilities.service';
import { CapabilitiesView, VersionView } from './meta.dto';
import { SERVICE_VERSION, API_VERSION } from '../http/documents/versions';

const headers = {
  ETag: { description: 'Names this snapshot.', required: true, schema: { type: 'string' } },
  'X-Cache': {
    description: 'Whether the snapshot was there already.',
    required: true,
    schema: { type: 'string', enum: ['HIT', 'MISS'] as string[] },
  },
  'Cache-Control': { description: 'To be asked about each time.', required: true, schema: { type: 'string' } },
} as const;

@ApiTags('meta')
@Controller('v2/meta')
export class MetaController {
  constructor(private readonly capabilities: CapabilitiesService) {}

  @Get('capabilities')
  @ApiOperation({
    summary: 'What is bound, and what it can do',
    description: 'Cached until the bindings change; has an ETag.',
  })
  @ApiHeader({
    name: 'If-None-Match',
    required: false,
    schema: { type: 'string' },
    description: 'The ETag of a copy at hand.',
  })
  @ApiResponse({ status: 200, description: 'As of the last change of the bindings.', type: CapabilitiesView, headers })
  @ApiResponse({ status: 304, description: 'As `If-None-Match` has it.', headers })
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
  @ApiResponse({ status: 200, description: 'Versions.', type: VersionView })
  getVersion(): VersionView {
    return { version: SERVICE_VERSION, api_version: API_VERSION, node: process.versions.node };
  }
}
