import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiSecurity, ApiTags } from '../http/documents/decorators';
import { Public } from '../http/routes/route-marks';
import { AboutView } from './meta.dto';
import { SERVICE_VERSION, API_VERSION } from '../http/documents/versions';

const about: AboutView = {
  name: 'orchestratord',
  description: 'Admits, queues, places and streams LLM tasks between programs and self-hosted engines.',
  version: SERVICE_VERSION,
  api_version: API_VERSION,
  docs: '/docs',
  openapi: '/openapi.json',
  healthz: '/healthz',
  readyz: '/readyz',
  metrics: '/metrics',
  capabilities: '/v2/meta/capabilities',
  tasks: '/v2/tasks',
};

/** For whoever comes to the address and does not know what listens there. */
@ApiTags('meta')
@ApiSecurity({})
@Controller()
export class AboutController {
  @Get()
  @Public()
  @ApiOperation({ summary: 'What this is, and where things are', description: 'The paths may need an API key.' })
  @ApiResponse({ status: 200, description: 'Names and paths.', type: AboutView })
  about(): AboutView {
    return about;
  }
}
