import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiSecurity, ApiTags } from '../http/documents/decorators';
import { ApiErrors } from '../http/documents/api-errors';
import { Public } from '../http/routes/route-marks';
import { Lifecycle } from '../lifecycle/lifecycle';
import { StatusView } from './meta.dto';

@ApiTags('operations')
@ApiSecurity({})
@Controller()
export class ProbesController {
  constructor(private readonly lifecycle: Lifecycle) {}

  @Get('healthz')
  @Public()
  @ApiOperation({ summary: 'Liveness: the process answers' })
  @ApiResponse({ status: 200, description: '`{"status": "ok"}`', type: StatusView })
  healthz(): StatusView {
    return { status: 'ok' };
  }

  /** Not about pools: workers must be able to register with a service that has none yet. */
  @Get('readyz')
  @Public()
  @ApiOperation({ summary: 'Readiness: the service takes tasks' })
  @ApiResponse({ status: 200, description: '`{"status": "ready"}`', type: StatusView })
  @ApiErrors('NOT_READY', 'SHUTTING_DOWN')
  readyz(): StatusView {
    this.lifecycle.assertReady();
    return { status: 'ready' };
  }
}
