import type { ControllerOf } from '@carillon/runtime'
import type { CheckHealth } from './check-health.ts'

export interface HealthCases {
  readonly checkHealth: CheckHealth
  readonly rebuild: () => Promise<number>
}

export const healthController = ({ checkHealth, rebuild }: HealthCases) =>
  ({
    answers: {
      coordinatorHealth: () => checkHealth.execute(),
      coordinatorRebuild: async () => ({ published: await rebuild() }),
    },
  }) satisfies ControllerOf<'coordinator'>
