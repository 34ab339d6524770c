import { Controller, Delete, Get, HttpCode, Param } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '../http/documents/decorators';
import { Administrative } from '../http/routes/route-marks';
import { ApiErrors } from '../http/documents/api-errors';
import { IdParamPipe, ApiIdParam } from '../http/fields/id-param.pipe';
import { SessionView, toSessionView } from './session.view';
import { SessionsService } from './sessions.service';

@ApiTags('sessions')
@Controller('v2/sessions')
export class SessionsController {
  constructor(private readonly sessions: SessionsService) {}

  @Get(':id')
  @ApiIdParam('id', 'The session.')
  @ApiOperation({ summary: 'A session, made if it is missing' })
  @ApiResponse({ status: 200, description: 'As it stands now.', type: SessionView })
  @ApiErrors('INVALID_PARAMS')
  async get(@Param('id', IdParamPipe) id: string): Promise<SessionView> {
    return toSessionView(await this.sessions.open(id));
  }

  @Delete(':id')
  @Administrative('session_delete')
  @HttpCode(204)
  @ApiIdParam('id', 'The session.')
  @ApiOperation({ summary: 'Forget a session', description: 'Its running tasks go on and settle into nothing.' })
  @ApiResponse({ status: 204 })
  @ApiErrors('INVALID_PARAMS')
  async delete(@Param('id', IdParamPipe) id: string): Promise<void> {
    await this.sessions.delete(id);
  }
}
