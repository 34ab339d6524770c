import { Controller, Get, Param } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOperation, ApiParam, ApiResponse, ApiTags } from '../http/documents/decorators';
import { ServiceError } from '../errors/service-error';
import { ApiOpenaiErrors } from './documents/openai-errors.docs';
import { OpenaiModelsView, OpenaiModelView, toModelView } from './documents/model.views';
import { ModelNames } from './requests/model-names';

const MODEL_MAX = 256;
/** Whatever engines call their models. */
const MODEL_PATTERN = `^[^\\x00-\\x1f\\x7f]{1,${MODEL_MAX}}$`;

/** The models that there are, as OpenAI's API lists them. */
@ApiTags('openai')
@Controller('v1/models')
export class ModelsController {
  constructor(private readonly models: ModelNames) {}

  @Get()
  @ApiOperation({
    summary: 'List models',
    description:
      'Those that engines have and that may be used, aliases (`ORCHD_MODEL_ALIASES`), and what the catalogue has.',
  })
  @ApiResponse({ status: 200, description: 'All of them.', type: OpenaiModelsView })
  list(): OpenaiModelsView {
    return { object: 'list', data: this.models.list().map(toModelView) };
  }

  @Get(':model')
  @ApiOperation({ summary: 'Look a model up', description: 'By any name that it goes by.' })
  @ApiParam({ name: 'model', description: 'Its name.', schema: { type: 'string', pattern: MODEL_PATTERN } })
  @ApiResponse({ status: 200, description: 'It is there.', type: OpenaiModelView })
  @ApiOpenaiErrors('MODEL_NOT_FOUND')
  get(@Param('model') model: string): Promise<OpenaiModelView> {
    return this.found(model);
  }

  /** A name with slashes, as some clients send it. */
  @Get('*')
  @ApiExcludeEndpoint()
  getNested(@Param('*') model: string): Promise<OpenaiModelView> {
    return this.found(model);
  }

  private async found(model: string): Promise<OpenaiModelView> {
    if (model.length > MODEL_MAX) throw new ServiceError('URI_TOO_LONG');
    return toModelView(await this.models.get(model));
  }
}
