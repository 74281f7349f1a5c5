import type { ControllerOf } from '@carillon/runtime'
import type { ListHandlers } from './list-handlers.ts'
import type { ListInstances } from './list-instances.ts'
import type { ReceiveBeat } from './receive-beat.ts'
import type { RecordHung } from './record-hung.ts'

export const presenceController = ({
  receiveBeat,
  recordHung,
  listInstances,
  listHandlers,
}: {
  readonly receiveBeat: ReceiveBeat
  readonly recordHung: RecordHung
  readonly listInstances: ListInstances
  readonly listHandlers: ListHandlers
}) =>
  ({
    answers: {
      instancesList: ({ namespace, input }) => listInstances.execute(namespace, input),
      handlersList: ({ namespace, input }) => listHandlers.execute(namespace, input),
    },
    receives: {
      'beat.*': ({ namespace, tokens: [instance = ''], body }) => receiveBeat.execute({ namespace, instance }, body),
      'hung.*': ({ namespace, tokens: [instance = ''], body }) => recordHung.idle({ namespace, instance }, body),
    },
  }) satisfies ControllerOf<'registry'>
