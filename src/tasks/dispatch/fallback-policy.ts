import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { standIn } from '../../engines/stand-in';
import { EngineSightings } from '../../pools/bindings/engine-sightings';
import type { PlacementConstraints } from '../../pools/placement/constraints';

/**
 * What is done for a task that no ready pool may run when its stream is opened. `auto` lets a stand-in answer as long as there
 * never was an engine, so that newcomers see how things go; once there was one, for a task that names its pool, and for one that wants no text, work waits.
 */
@Injectable()
export class FallbackPolicy {
  constructor(
    private readonly config: Config,
    private readonly sightings: EngineSightings,
  ) {}

  for({ pinPoolId, workload }: PlacementConstraints): 'deterministic' | 'wait' | 'error' {
    const { fallback } = this.config;
    const isWithinReach = standIn.supportedWorkloads.some(each => each === workload);
    if (fallback === 'deterministic') return isWithinReach ? fallback : 'wait';
    if (fallback !== 'auto') return fallback;
    return isWithinReach && pinPoolId === undefined && !this.sightings.any ? 'deterministic' : 'wait';
  }
}
