import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiExtraModels,
  ApiHeader,
  ApiOperation,
  ApiResponse,
  ApiTags,
  schemaPathOf,
} from '../http/documents/decorators';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { idPattern } from '../config/parsers';
import { ServiceError } from '../errors/service-error';
import { ApiErrors } from '../http/documents/api-errors';
import { ApiIdParam } from '../http/fields/id-param.pipe';
import { GetOnly, CorrelatesItself } from '../http/routes/route-marks';
import { ApiPage, pageOf, type Page } from '../http/fields/page';
import { warningsOf } from '../http/fields/unknown-members';
import { DirectRoutes } from '../http/routes/direct-routes';
import { validBody, validQuery } from '../http/fields/validation.pipe';
import { budgetHeaders, budgetHeaderDocs, SessionBudgets } from './lookup/session-budgets';
import { AdmissionService } from './admission/admission.service';
import { AdmissionView, toAdmissionView } from './admission/admission.view';
import { CreateTaskDto } from './admission/create-task.dto';
import { taskBodies } from './admission/task-bodies.docs';
import { requestHashOf, toTaskSpec } from './admission/task-spec';
import { Canceller } from './ending/canceller';
import { TaskLookup } from './lookup/task-lookup';
import { TaskView, toTaskView } from './lookup/task.view';
import { TaskResultView, toResultView } from './result/task-result.view';
import { TaskResults } from './result/task-results';
import { StreamLookup } from './stream/stream-lookup';
import { StreamService } from './stream/stream.service';
import { SubmitQuery, TaskEventsQuery, TaskListQuery, TaskQuery } from './tasks.dto';

const SECOND_MS = 1000;

const streamHeaderDocs = {
  'Cache-Control': { description: 'A stream is not kept.', required: true, schema: { type: 'string' } },
  'X-Accel-Buffering': { description: 'For nginx: not held back.', required: true, schema: { type: 'string' } },
} as const;

@ApiTags('tasks')
@CorrelatesItself()
@Controller('v2/tasks')
export class TasksController {
  constructor(
    private readonly admission: AdmissionService,
    private readonly lookup: TaskLookup,
    private readonly results: TaskResults,
    private readonly streamLookup: StreamLookup,
    private readonly streams: StreamService,
    private readonly canceller: Canceller,
    private readonly budgets: SessionBudgets,
    directRoutes: DirectRoutes,
  ) {
    directRoutes.serve('POST /v2/tasks', async (request, reply) => {
      void reply.status(202);
      return this.submit(
        validBody(CreateTaskDto, request.body),
        validQuery(SubmitQuery, request.query as object),
        request,
        reply,
      );
    });
    directRoutes.serve('GET /v2/tasks/:id/events', async (request, reply) => {
      const { id } = request.params as { id: string };
      const query = validQuery(TaskEventsQuery, request.query as object);
      return this.events(id, query, request.headers['last-event-id'] as string | undefined, reply);
    });
  }

  @Post()
  @HttpCode(202)
  @ApiOperation({
    summary: 'Submit a task',
    description:
      'Answers at once: accepted with its place, or refused with when to come back. With `wait` the answer comes when the task has ' +
      'ended, with its output, or after that time, as it would have come at once. Members that steer engines, such as `grammar`, ' +
      '`tools` or `n`, go on to the engine; one that it cannot do is refused by name.',
  })
  @ApiExtraModels(...taskBodies)
  @ApiBody({
    required: true,
    schema: {
      oneOf: taskBodies.map(body => ({ $ref: schemaPathOf(body) })),
    },
  })
  @ApiResponse({
    status: 200,
    description: 'With `wait`: it has ended.',
    type: TaskResultView,
    headers: budgetHeaderDocs,
  })
  @ApiResponse({ status: 202, description: 'Accepted.', type: AdmissionView, headers: budgetHeaderDocs })
  @ApiErrors('INVALID_PARAMS', 'DEADLINE_UNMET', 'TASK_CONFLICT', 'MODEL_RETIRED', 'MODEL_UNVERIFIED', 'BODY_TOO_LARGE')
  @ApiErrors(
    'ADMISSION_REJECT',
    'QUEUE_FULL_DROP_LRU',
    'BUDGET_EXHAUSTED',
    'POOL_UNAVAILABLE',
    'STORAGE_UNAVAILABLE',
    'SHUTTING_DOWN',
  )
  async submit(
    @Body() body: CreateTaskDto,
    @Query() query: SubmitQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AdmissionView | TaskResultView> {
    const spec = toTaskSpec(body, request.id, request.caller.identity);
    const admission = await this.admission.admit(spec, requestHashOf(body), body.task_id == null);
    const warnings = warningsOf(body, query);
    const result = query.wait > 0 && (await this.results.afterEnd(admission.spec, query.wait * SECOND_MS, reply.raw));
    if (!result) {
      void reply.headers(budgetHeaders(admission.remaining));
      return Object.assign(toAdmissionView(admission), warnings);
    }
    const remaining = await this.budgets.remainingFor(admission.spec, result.record.ending?.usage);
    void reply.status(200).headers(budgetHeaders(remaining));
    return Object.assign(toResultView(result), warnings);
  }

  @Get()
  @ApiOperation({ summary: 'List tasks, newest first' })
  @ApiPage(TaskView, 'Newest first.')
  async list(@Query() query: TaskListQuery): Promise<Page<TaskView>> {
    const { state, session_id: sessionId, limit } = query;
    const found = await this.lookup.list({
      limit: limit + 1,
      ...(state && { state }),
      ...(sessionId && { sessionId }),
      ...(query.cursor !== undefined && { afterSeq: Number(query.cursor) }),
    });
    return pageOf(found, limit, toTaskView, (_, { facts }) => String(facts.seq));
  }

  @Get(':id')
  @ApiOperation({
    summary: 'Where a task stands',
    description: 'At once, or with `wait` when it has ended or after that time. With `output` what it has put out.',
  })
  @ApiIdParam('id', 'The task.')
  @ApiResponse({ status: 200, description: 'As it is now.', type: TaskResultView })
  @ApiErrors('TASK_NOT_FOUND', 'NOT_READY')
  async get(
    @Param('id') id: string,
    @Query() { output, wait }: TaskQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TaskResultView> {
    return toResultView(await this.results.get(taskIdOf(id), output ?? false, wait * SECOND_MS, reply.raw));
  }

  @Get(':id/events')
  @GetOnly()
  @ApiOperation({
    summary: 'Read the events of a task as SSE',
    description: 'From the start, or after `Last-Event-ID`; live or ended.',
  })
  @ApiIdParam('id', 'The task.')
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'Goes on after this event.',
    schema: { type: 'string', pattern: '^[0-9]{0,15}$' },
  })
  @ApiResponse({
    status: 200,
    description: 'Events `started`, `token`, `delta`, `result`, `metrics`, and at last `end` or `error`.',
    headers: { ...budgetHeaderDocs, ...streamHeaderDocs },
    // Without a schema: tools differ in what it would be of, the text or one event.
    content: { 'text/event-stream': {} },
  })
  @ApiResponse({ status: 204, description: 'The terminal event was seen already.', headers: budgetHeaderDocs })
  @ApiErrors('INVALID_PARAMS', 'TASK_NOT_FOUND', 'TRANSCRIPT_GONE')
  async events(
    @Param('id') id: string,
    @Query() query: TaskEventsQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const stream = await this.streamLookup.find(
      taskIdOf(id),
      // An empty header says nothing, as an EventSource has it that has seen no event yet.
      sequenceOf(lastEventId === '' ? query.last_event_id : (lastEventId ?? query.last_event_id)),
      query.verbose ?? false,
    );
    const { spec, ending } = stream.record;
    const headers = budgetHeaders(await this.budgets.remainingFor(spec, ending?.usage));
    if (stream.atEnd) {
      void reply.headers(headers).status(204).send();
      return;
    }
    // From here on the raw response is ours, with the headers that the hooks have set so far.
    reply.hijack();
    this.streams.open(stream, reply.raw, Object.assign(reply.getHeaders() as Record<string, string>, headers));
  }

  @Post(':id/cancel')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Cancel a task',
    description: 'Its slot is free when this answers. Cancelling an ended task changes nothing.',
  })
  @ApiIdParam('id', 'The task.')
  @ApiResponse({ status: 204, description: 'It has ended.' })
  @ApiErrors('TASK_NOT_FOUND', 'NOT_READY')
  async cancel(@Param('id') id: string): Promise<void> {
    await this.canceller.cancel(taskIdOf(id), 'client');
  }
}

/** What cannot be an id is the id of no task. */
function taskIdOf(id: string): string {
  if (!idPattern.test(id)) throw new ServiceError('TASK_NOT_FOUND');
  return id;
}

function sequenceOf(lastEventId: string | undefined): number {
  if (lastEventId === undefined || lastEventId === '') return 0;
  if (/^\d{1,15}$/.test(lastEventId)) return Number(lastEventId);
  throw new ServiceError('INVALID_PARAMS', {
    field: 'last_event_id',
    message: 'last_event_id (the header Last-Event-ID, or the query) must be the id of an event',
  });
}
