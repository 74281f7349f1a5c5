import type { ControllerOf } from '@carillon/runtime'
import type { ReadSignals } from './read-signals.ts'
import type { SendSignals } from './send-signals.ts'

export const signalsController = ({ sendSignals, readSignals }: { readonly sendSignals: SendSignals; readonly readSignals: ReadSignals }) =>
  ({
    answers: {
      runsSignal: (request) => sendSignals.send(request),
      runsSignals: ({ namespace, input }) => readSignals.list(namespace, input),
    },
  }) satisfies ControllerOf<'coordinator'>
