import type { ControllerOf } from '@carillon/runtime'
import type { ChooseSlots } from './choose-slot.ts'

export const schedulesController = ({ chooseSlots }: { readonly chooseSlots: ChooseSlots }) =>
  ({
    answers: {
      tasksNext: ({ namespace, input }) => chooseSlots.execute(namespace, input),
    },
  }) satisfies ControllerOf<'coordinator'>
