/** How a process reaches the broker and logs in: one copy for services, command line and SDK. */
export { maskAddresses } from './address.ts'
export { checkNatsSettings } from './check-settings.ts'
export { fromFile, NATS_VARIABLES, natsSettingsFrom } from './environment.ts'
export { type ConnectionRequest, isAuthError, openConnection, refusalText } from './open-connection.ts'
export type { NatsAccess, NatsField, NatsNames, NatsSettings, TlsSettings } from './settings.ts'
