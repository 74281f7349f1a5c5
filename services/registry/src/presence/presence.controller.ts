import type { ControllerOf } from '@carillon/runtime'
import type { HearBeat } from './hear-beat.ts'
import type { ListInstances } from './list-instances.ts'

export const presenceController = ({ hearBeat, listInstances }: { readonly hearBeat: HearBeat; readonly listInstances: ListInstances }) =>
  ({
    answers: { instancesList: ({ namespace, input }) => listInstances.execute(namespace, input) },
    hears: { 'beat.*': ({ namespace, tokens: [instance = ''], body }) => hearBeat.execute({ namespace, instance }, body) },
  }) satisfies ControllerOf<'registry'>
