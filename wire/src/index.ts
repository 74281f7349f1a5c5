/** How a process reaches the broker and logs in, as users write it. Its types name none of the NATS client, whose own do not pass every check. */
export { natsSettingsFrom } from './environment.ts'
export type { NatsSettings, TlsSettings } from './settings.ts'
