import type { ControllerOf } from '@carillon/runtime'
import type { RegistryParts } from '../parts.ts'
import { presenceKey } from '../presence/rules/presence.ts'
import { instanceView } from '../presence/rules/seen.ts'
import type { CordonInstance } from './cordon-instance.ts'
import type { DrainInstance } from './drain-instance.ts'
import type { UncordonInstance } from './uncordon-instance.ts'

export interface CordonCases {
  readonly cordonInstance: CordonInstance
  readonly uncordonInstance: UncordonInstance
  readonly drainInstance: DrainInstance
}

export const cordonsController = (
  { cordonInstance, uncordonInstance, drainInstance }: CordonCases,
  { cordons, time }: Pick<RegistryParts, 'cordons' | 'time'>,
) =>
  ({
    answers: {
      instancesCordon: async ({ namespace, input, by }) => {
        const seen = await cordonInstance.execute(namespace, { ...input, by })
        return instanceView(seen, { elapsedMs: time.elapsedMs, cordon: cordons.get(presenceKey(seen.presence)) })
      },
      instancesUncordon: ({ namespace, input }) => uncordonInstance.execute(namespace, input.instance),
      instancesDrain: ({ namespace, input, by }) => drainInstance.execute(namespace, { ...input, by }),
    },
  }) satisfies ControllerOf<'registry'>
