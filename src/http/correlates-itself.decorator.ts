import { SetMetadata } from '@nestjs/common';

export const CORRELATES_ITSELF = 'correlates itself';

/** Marks a controller whose services put the ids of a request on their log lines as fields, so that its work is not followed. */
export const CorrelatesItself = (): ClassDecorator => SetMetadata(CORRELATES_ITSELF, true);
