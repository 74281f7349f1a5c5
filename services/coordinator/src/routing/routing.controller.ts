import type { ControllerOf } from '@carillon/runtime'
import type { InstanceLoads } from './instance-loads.ts'
import type { RouteTasks } from './route-tasks.ts'

export const routingController = ({ loads, routes }: { readonly loads: InstanceLoads; readonly routes: RouteTasks }) =>
  ({
    overhears: {
      'beat.*': async ({ namespace, tokens: [instance = ''], body }) => {
        loads.beat(namespace, instance, body)
        routes.changed(namespace)
      },
    },
  }) satisfies ControllerOf<'coordinator'>
