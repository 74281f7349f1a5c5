import { type RunningService, type ServiceOptions, startService } from '@carillon/runtime'
import { compose, type RegistrySettings } from './compose.ts'

export type RegistryOptions = ServiceOptions & RegistrySettings

/**
 * Starts a registry: it knows the live instances, their handlers and their load. Any number may run.
 * @throws CarillonError NATS_UNAVAILABLE, NATS_TOO_OLD, JETSTREAM_MISSING
 */
export function startRegistry(options: RegistryOptions): Promise<RunningService> {
  return startService('registry', options, (connected) => compose(connected, options))
}
