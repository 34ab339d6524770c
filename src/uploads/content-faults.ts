import { ServiceError } from '../errors/service-error';

/** Of an upload that all files together leave no room for. */
export function filesFull(maxBytes: number): ServiceError {
  const message = `All files together may have ${maxBytes} bytes (ORCHD_FILES_MAX_BYTES): delete some that are not needed.`;
  return new ServiceError('STORAGE_FULL', { field: 'file', message, retriable: false });
}

/** Of a file that was to be added to: somebody else has. */
export function otherEnd(id: string, atByte: number): ServiceError {
  return new ServiceError('STORAGE_UNAVAILABLE', {}, new Error(`${id} does not end at byte ${atByte}`));
}
