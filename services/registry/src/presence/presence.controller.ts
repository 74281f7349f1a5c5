import type { ControllerOf } from '@carillon/runtime'
import type { ListInstances } from './list-instances.ts'
import type { ReceiveBeat } from './receive-beat.ts'

export const presenceController = ({
  receiveBeat,
  listInstances,
}: {
  readonly receiveBeat: ReceiveBeat
  readonly listInstances: ListInstances
}) =>
  ({
    answers: { instancesList: ({ namespace, input }) => listInstances.execute(namespace, input) },
    receives: { 'beat.*': ({ namespace, tokens: [instance = ''], body }) => receiveBeat.execute({ namespace, instance }, body) },
  }) satisfies ControllerOf<'registry'>
