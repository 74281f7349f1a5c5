import type { ControllerOf } from '@carillon/runtime'
import type { MapTasks } from './map-tasks.ts'
import type { ReadResults } from './read-results.ts'

export const mapController = ({ mapTasks, readResults }: { readonly mapTasks: MapTasks; readonly readResults: ReadResults }) =>
  ({
    answers: {
      tasksMap: ({ namespace, input }) => mapTasks.execute(namespace, input),
      tasksResults: ({ namespace, input }) => readResults.execute(namespace, input),
    },
  }) satisfies ControllerOf<'coordinator'>
