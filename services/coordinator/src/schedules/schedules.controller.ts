import type { ControllerOf } from '@carillon/runtime'
import type { BackfillSlots } from './backfill-slots.ts'
import type { ChooseSlots } from './choose-slot.ts'

export const schedulesController = ({
  chooseSlots,
  backfillSlots,
}: {
  readonly chooseSlots: ChooseSlots
  readonly backfillSlots: BackfillSlots
}) =>
  ({
    answers: {
      jobsBackfill: ({ namespace, input }) => backfillSlots.execute(namespace, input),
      tasksNext: ({ namespace, input }) => chooseSlots.execute(namespace, input),
    },
  }) satisfies ControllerOf<'coordinator'>
