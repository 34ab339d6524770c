import { expect, it } from 'vitest';
import { ServiceError } from '../../errors/service-error';
import { wishOf } from './line-requests';

it.each(['previous_response_id', 'conversation'])(
  'a response of a batch stands by itself, without %s (B-RSP-012)',
  name => {
    const line = { model: 'm', input: 'Hello' };
    expect(wishOf('/v1/responses', { ...line, [name]: null }).request.model).toBe('m');
    let thrown: unknown;
    try {
      wishOf('/v1/responses', { ...line, [name]: 'x_1' });
    } catch (error) {
      thrown = error;
    }
    expect(thrown instanceof ServiceError && [thrown.code, thrown.details.field]).toEqual(['INVALID_PARAMS', name]);
  },
);
