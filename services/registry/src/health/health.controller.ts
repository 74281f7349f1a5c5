import type { ControllerOf } from '@carillon/runtime'
import type { RegistryParts } from '../parts.ts'
import { checkHealth } from './check-health.ts'

export const healthController = (parts: RegistryParts) =>
  ({ answers: { registryHealth: () => checkHealth(parts) } }) satisfies ControllerOf<'registry'>
