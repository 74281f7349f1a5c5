import type { ControllerOf } from '@carillon/runtime'
import type { RegistryParts } from '../parts.ts'
import { hearBeat } from './hear-beat.ts'
import { listInstances } from './list-instances.ts'

export const presenceController = (parts: RegistryParts) =>
  ({
    answers: { instancesList: ({ namespace, input }) => listInstances(parts, namespace, input) },
    hears: { 'beat.*': ({ namespace, tokens: [instance = ''], body }) => hearBeat(parts, { namespace, instance }, body) },
  }) satisfies ControllerOf<'registry'>
