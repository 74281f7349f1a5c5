import { type RunningService, type ServiceOptions, startService } from '@carillon/runtime'
import { compose, type LoggerSettings } from './compose.ts'

export type LoggerOptions = ServiceOptions & LoggerSettings

/**
 * Starts a logger: it stores the lines of stream LOGS, answers `logs.query` and removes what is beyond its limits. Any number
 * may run. A live tail needs none of them: a reader subscribes to `log.<runId>` (or `log.>`) and reads what executors publish, at
 * the moment they do.
 * @throws CarillonError NATS_UNAVAILABLE, NATS_TOO_OLD, JETSTREAM_MISSING
 */
export function startLogger(options: LoggerOptions): Promise<RunningService> {
  return startService('logger', options, (connected) => compose(connected, options))
}
