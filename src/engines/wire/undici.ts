import methods from 'undici/lib/api';
import buildConnector from 'undici/lib/core/connect';
import errors from 'undici/lib/core/errors';
import Dispatcher from 'undici/lib/dispatcher/dispatcher';
import Pool from 'undici/lib/dispatcher/pool';

/*
 * What is used of undici, by the files that it is in. All of it together, fetch, caches and mocks, costs each start 30 ms, half of which is
 * Node's own fetch that it loads to compare itself with.
 */

// As undici's own index does.
Object.assign(Dispatcher.prototype, methods);

export { buildConnector, errors, Pool };
