import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { EngineSightings } from '../../pools/bindings/engine-sightings';
import type { PlacementConstraints } from '../../pools/placement/constraints';

/**
 * What is done for a task that no ready pool may run when its stream is opened. `auto` lets a stand-in answer as long as there
 * never was an engine, so that newcomers see how things go; once there was one, and for a task that names its pool, work waits.
 */
@Injectable()
export class FallbackPolicy {
  constructor(
    private readonly config: Config,
    private readonly sightings: EngineSightings,
  ) {}

  for({ pinPoolId }: PlacementConstraints): 'deterministic' | 'wait' | 'error' {
    const { fallback } = this.config;
    if (fallback !== 'auto') return fallback;
    return pinPoolId === undefined && !this.sightings.any ? 'deterministic' : 'wait';
  }
}
