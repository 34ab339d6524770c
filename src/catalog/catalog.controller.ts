import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '../http/documents/decorators';
import { Administrative } from '../http/routes/route-marks';
import { ApiErrors } from '../http/documents/api-errors';
import { ApiPage, pageOf, type Page } from '../http/fields/page';
import { warningsOf } from '../http/fields/unknown-members';
import {
  CreateModelDto,
  ModelView,
  modelIdSchema,
  ModelListQuery,
  ListedModelView,
  ModelStateDto,
  toDescription,
  toListedModel,
  toModelView,
} from './catalog.dto';
import { CatalogService } from './catalog.service';
import { VerificationService } from './verification.service';

const ApiModelId = (): MethodDecorator =>
  ApiParam({ name: 'id', description: 'The model; a `/` in its id is percent-encoded.', schema: modelIdSchema });

@ApiTags('catalog')
@Controller('v2/catalog/models')
export class CatalogController {
  constructor(
    private readonly catalog: CatalogService,
    private readonly verifications: VerificationService,
  ) {}

  @Post()
  @Administrative('model_create')
  @HttpCode(201)
  @ApiOperation({
    summary: 'Put a model into the catalogue',
    description: 'The same description again changes nothing.',
  })
  @ApiResponse({ status: 201, type: ModelView })
  @ApiErrors('INVALID_PARAMS', 'MODEL_CONFLICT', 'STORAGE_FULL', 'STORAGE_UNAVAILABLE')
  async create(@Body() body: CreateModelDto): Promise<ModelView> {
    return { ...toModelView(await this.catalog.create(toDescription(body))), ...warningsOf(body) };
  }

  @Get()
  @ApiOperation({
    summary: 'List models by id',
    description: 'Without their manifests, signatures, sbom and trust_policy.',
  })
  @ApiPage(ListedModelView, 'By id.')
  async list(@Query() { limit, cursor }: ModelListQuery): Promise<Page<ListedModelView>> {
    const found = await this.catalog.list(cursor, limit + 1);
    return pageOf(found, limit, toListedModel, model => model.id);
  }

  @Get(':id')
  @ApiModelId()
  @ApiOperation({ summary: 'A model' })
  @ApiResponse({ status: 200, description: 'The model.', type: ModelView })
  @ApiErrors('MODEL_NOT_FOUND')
  async get(@Param('id') id: string): Promise<ModelView> {
    return toModelView(await this.catalog.get(id));
  }

  @Post(':id/verify')
  @Administrative('model_verify')
  @HttpCode(202)
  @ApiModelId()
  @ApiOperation({
    summary: "Check a model's file against its digest",
    description: 'A large file is hashed on after the answer.',
  })
  @ApiResponse({ status: 202, type: ModelView })
  @ApiErrors('MODEL_NOT_FOUND', 'STORAGE_FULL', 'STORAGE_UNAVAILABLE')
  async verify(@Param('id') id: string): Promise<ModelView> {
    return toModelView(await this.verifications.verify(id));
  }

  @Post(':id/state')
  @Administrative('model_state')
  @HttpCode(202)
  @ApiModelId()
  @ApiOperation({ summary: 'Retire a model, or take it back' })
  @ApiResponse({ status: 202, type: ModelView })
  @ApiErrors('INVALID_PARAMS', 'MODEL_NOT_FOUND', 'STORAGE_FULL', 'STORAGE_UNAVAILABLE')
  async setState(@Param('id') id: string, @Body() body: ModelStateDto): Promise<ModelView> {
    return { ...toModelView(await this.catalog.setState(id, body.state, body.deadline_ms)), ...warningsOf(body) };
  }

  @Delete(':id')
  @Administrative('model_delete')
  @HttpCode(204)
  @ApiModelId()
  @ApiOperation({
    summary: 'Delete a model',
    description: 'Its file under the model directory goes too, unless another model names the same.',
  })
  @ApiResponse({ status: 204 })
  @ApiErrors('MODEL_NOT_FOUND', 'STORAGE_UNAVAILABLE')
  async delete(@Param('id') id: string): Promise<void> {
    await this.catalog.delete(id);
  }
}
