import { type RunningService, type ServiceOptions, startService } from '@carillon/runtime'
import { compose, type GatewaySettings } from './compose.ts'

export type GatewayOptions = ServiceOptions & GatewaySettings

/**
 * Starts a gateway: HTTP for people and programs that have no access to the broker. It speaks with the other services over the broker, as
 * anyone does, and keeps accounts in the store, so any number may run.
 * @throws CarillonError NATS_UNAVAILABLE, NATS_TOO_OLD, JETSTREAM_MISSING, PORT_IN_USE
 */
export function startGateway(options: GatewayOptions): Promise<RunningService> {
  return startService('gateway', options, (connected) => compose(connected, options))
}
