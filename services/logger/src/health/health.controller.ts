import type { ControllerOf } from '@carillon/runtime'
import type { LoggerParts } from '../parts.ts'
import { checkHealth } from './check-health.ts'

export const healthController = (parts: LoggerParts) =>
  ({ answers: { loggerHealth: () => checkHealth(parts) } }) satisfies ControllerOf<'logger'>
