import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../http/documents/decorators';
import type { FastifyRequest } from 'fastify';
import { ConversationsService } from './conversations.service';
import {
  ApiConversationBody,
  ApiConversationErrors,
  ApiConversationId,
  ApiConversationView,
  ApiDeletedConversation,
  ApiItemId,
  ApiItemsBody,
  ApiItemView,
} from './documents/conversations.docs';
import { ApiItemList } from './documents/responses.docs';
import { itemPage } from './item-page';
import type { Item } from './requests/input-items';
import { InputItemsQuery } from './responses.dto';

/** Conversations, as OpenAI's API has them. */
@ApiTags('openai')
@Controller('v1/conversations')
export class ConversationsController {
  constructor(private readonly conversations: ConversationsService) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Make a conversation',
    description:
      'A response that names it goes on from what was said in it, and is taken up into it once it has ended.',
  })
  @ApiConversationBody('create')
  @ApiConversationView('It is kept.')
  @ApiConversationErrors('INVALID_PARAMS')
  create(@Req() { body }: FastifyRequest): Promise<object> {
    return this.conversations.create(body);
  }

  @Get(':conversation_id')
  @ApiOperation({ summary: 'Look a conversation up' })
  @ApiConversationId()
  @ApiConversationView('The conversation; its items are listed by themselves.')
  @ApiConversationErrors('CONVERSATION_NOT_FOUND')
  get(@Param('conversation_id') id: string): Promise<object> {
    return this.conversations.get(id);
  }

  @Post(':conversation_id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Replace the metadata of a conversation' })
  @ApiConversationId()
  @ApiConversationBody('update')
  @ApiConversationView('The conversation.')
  @ApiConversationErrors('CONVERSATION_NOT_FOUND', 'INVALID_PARAMS', 'CONVERSATION_LOCKED')
  update(@Param('conversation_id') id: string, @Req() { body }: FastifyRequest): Promise<object> {
    return this.conversations.update(id, body);
  }

  @Delete(':conversation_id')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Delete a conversation',
    description:
      'Its items are gone with it. Responses that were made in it stay for as long as they are kept themselves.',
  })
  @ApiConversationId()
  @ApiDeletedConversation()
  @ApiConversationErrors('CONVERSATION_NOT_FOUND')
  remove(@Param('conversation_id') id: string): Promise<object> {
    return this.conversations.remove(id);
  }

  @Get(':conversation_id/items')
  @ApiOperation({ summary: 'List the items of a conversation' })
  @ApiConversationId()
  @ApiItemList()
  @ApiConversationErrors('CONVERSATION_NOT_FOUND', 'INVALID_PARAMS', 'CONVERSATION_LOCKED')
  async items(@Param('conversation_id') id: string, @Query() query: InputItemsQuery): Promise<object> {
    return itemPage(await this.conversations.items(id), query);
  }

  @Post(':conversation_id/items')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Add items to a conversation',
    description: 'Up to 20 at a time, after those that are there.',
  })
  @ApiConversationId()
  @ApiItemsBody()
  @ApiItemList()
  @ApiConversationErrors('CONVERSATION_NOT_FOUND', 'INVALID_PARAMS', 'CONVERSATION_LOCKED')
  async add(@Param('conversation_id') id: string, @Req() { body }: FastifyRequest): Promise<object> {
    const added = await this.conversations.add(id, body);
    return itemPage(added, { order: 'asc', limit: added.length });
  }

  @Get(':conversation_id/items/:item_id')
  @ApiOperation({ summary: 'Look an item of a conversation up' })
  @ApiConversationId()
  @ApiItemId()
  @ApiItemView()
  @ApiConversationErrors('CONVERSATION_NOT_FOUND', 'ITEM_NOT_FOUND', 'CONVERSATION_LOCKED')
  item(@Param('conversation_id') id: string, @Param('item_id') itemId: string): Promise<Item> {
    return this.conversations.item(id, itemId);
  }

  @Delete(':conversation_id/items/:item_id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Delete an item of a conversation' })
  @ApiConversationId()
  @ApiItemId()
  @ApiConversationView('The conversation without it.')
  @ApiConversationErrors('CONVERSATION_NOT_FOUND', 'ITEM_NOT_FOUND', 'CONVERSATION_LOCKED')
  removeItem(@Param('conversation_id') id: string, @Param('item_id') itemId: string): Promise<object> {
    return this.conversations.removeItem(id, itemId);
  }
}
