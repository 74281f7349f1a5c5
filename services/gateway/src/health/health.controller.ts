import type { ControllerOf } from '@carillon/runtime'
import type { CheckHealth } from './check-health.ts'

export const healthController = ({ checkHealth }: { readonly checkHealth: CheckHealth }) =>
  ({ answers: { gatewayHealth: () => checkHealth.execute() } }) satisfies ControllerOf<'gateway'>
