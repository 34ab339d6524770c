import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiSecurity, ApiTags } from '../http/documents/decorators';
import { ApiErrors } from '../http/documents/api-errors';
import { Public } from '../http/routes/route-marks';
import { StatusView } from './meta.dto';
import { ReadinessService } from './readiness.service';

@ApiTags('operations')
@ApiSecurity({})
@Controller()
export class ProbesController {
  constructor(private readonly readiness: ReadinessService) {}

  @Get('healthz')
  @Public()
  @ApiOperation({ summary: 'Liveness: the process answers' })
  @ApiResponse({ status: 200, description: '`{"status": "ok"}`', type: StatusView })
  healthz(): StatusView {
    return { status: 'ok' };
  }

  @Get('readyz')
  @Public()
  @ApiOperation({ summary: 'Readiness: the service takes tasks' })
  @ApiResponse({ status: 200, description: '`{"status": "ready"}`', type: StatusView })
  @ApiErrors('NOT_READY', 'SHUTTING_DOWN', 'STORAGE_UNAVAILABLE')
  readyz(): StatusView {
    this.readiness.assertReady();
    return { status: 'ready' };
  }
}
