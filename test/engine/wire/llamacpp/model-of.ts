import type { Exchange } from '../../exchange';
import type { ModelInstance } from '../../model-instance';

/** Says which model a request is for. In router mode this may load it first. */
export type ModelOf = (exchange: Exchange) => ModelInstance | Promise<ModelInstance>;
