import type { ControllerOf } from '@carillon/runtime'
import type { HungWatch } from '../ports.ts'
import type { InstanceLoads } from './instance-loads.ts'
import type { RouteTasks } from './route-tasks.ts'

interface RoutingCases {
  readonly loads: InstanceLoads
  readonly routes: RouteTasks
  readonly endHung: HungWatch
}

export const routingController = ({ loads, routes, endHung }: RoutingCases) =>
  ({
    overhears: {
      'beat.*': async ({ namespace, tokens: [instance = ''], body }) => {
        const beat = loads.beat(namespace, instance, body)
        routes.changed(namespace)
        if (beat) endHung.beat(namespace, instance, beat)
      },
    },
  }) satisfies ControllerOf<'coordinator'>
