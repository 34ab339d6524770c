import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import type { AliasTarget } from '../../config/model-aliases';
import type { PlacementConstraints } from './constraints';
import { PlacementService, type Assessment } from './placement.service';

/** Names that stand for models: for the first of their chain that something live serves. */
@Injectable()
export class ModelAliases {
  constructor(
    private readonly config: Config,
    private readonly placement: PlacementService,
  ) {}

  get names(): readonly string[] {
    return [...(this.config.modelAliases?.keys() ?? [])];
  }

  has(name: string): boolean {
    return this.config.modelAliases?.has(name) ?? false;
  }

  /**
   * With the model, and the pool, that the alias stands for now. Where none of the chain is served it is the one that is nearest to
   * it, so that whoever refuses the task can say why; a model of the chain in a pool that the task may not use is passed over.
   */
  resolved(constraints: PlacementConstraints): PlacementConstraints {
    const { modelRef } = constraints;
    const chain = modelRef === undefined ? undefined : this.config.modelAliases?.get(modelRef);
    if (!chain) return constraints;
    let nearest: PlacementConstraints | undefined;
    let rank = Infinity;
    for (const target of chain) {
      const option = within(constraints, target);
      if (!option) continue;
      const found = ranks[this.placement.assess(option).verdict];
      if (found >= rank) continue;
      [nearest, rank] = [option, found];
      if (rank === 0) break;
    }
    // None that the task may use: the name itself, which nobody has.
    return nearest ?? constraints;
  }
}

/** How far a model is from being served. */
const ranks: Readonly<Record<Assessment['verdict'], number>> = {
  ready: 0,
  waiting: 1,
  'not-ready': 2,
  draining: 3,
  'model-failed': 4,
  'small-context': 5,
  'model-barred': 6,
  'no-workload': 7,
  'model-unnamed': 8,
  'no-model': 9,
};

function within(constraints: PlacementConstraints, { model, poolId }: AliasTarget): PlacementConstraints | undefined {
  if (poolId === undefined) return { ...constraints, modelRef: model };
  const { pinPoolId, avoidPools } = constraints;
  if ((pinPoolId !== undefined && pinPoolId !== poolId) || avoidPools.includes(poolId)) return undefined;
  return { ...constraints, modelRef: model, pinPoolId: poolId };
}
