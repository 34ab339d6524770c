import { ServiceError } from '../../errors/service-error';
import { engineError, reasonOf } from '../wire/engine-error';

const engine = 'ollama';
const NOT_FOUND = /^model ['"].*['"] not found/;
const LOAD_FAILED =
  /llama-server process has terminated|llama runner process has terminated|error loading model|unable to load model|timed out waiting for/i;
/** Of the model and of what was asked, though the status says that the server failed. */
const FAULT_OF_REQUEST =
  /invalid option|option ".*" must be|invalid format|does not support (embeddings|completion|thinking|tools)|this model does not support/i;

/** The error behind a status and `{"error": "text"}`, the text being at times the JSON of the engine behind it. */
export function ollamaError(status: number, body: unknown): ServiceError {
  const reason = reasonOf(body) ?? '';
  if (status === 404 && NOT_FOUND.test(reason)) return loadFailed('it has no such model');
  if (status >= 500 && LOAD_FAILED.test(reason)) return loadFailed(reason);
  // Its own host is what a server on a loopback address wants to be called by.
  if (status === 403 && reason === '') {
    const message = 'The engine did not take the Host or the Origin that it was called by.';
    return new ServiceError('ENGINE_PROTOCOL', { engine, message });
  }
  return engineError(engine, status >= 500 && FAULT_OF_REQUEST.test(reason) ? 400 : status, body);
}

function loadFailed(why: string): ServiceError {
  const message = `The engine could not load the model: ${why.replace(/\.$/, '')}.`;
  return new ServiceError('MODEL_LOAD_FAILED', { engine, message });
}
