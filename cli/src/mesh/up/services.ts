import { startCoordinator } from '@carillon/coordinator'
import { startLogger } from '@carillon/logger'
import { startRegistry } from '@carillon/registry'
import { createLogger, type Running, readConfig, startTelemetry } from '@carillon/runtime'
import { openStore, type Store } from '@carillon/store'
import { coordinatorSettingsOf, queueRetentionOf } from '../service-settings.ts'
import type { LogFile } from './log-file.ts'

export interface ServicesOptions {
  readonly natsUrl: string
  readonly store: Store
  readonly log: LogFile
  readonly environment: Readonly<Record<string, string | undefined>>
}

export { openStore, startTelemetry }

/** Starts registry, coordinator and logger in this process. They meet over the broker only, as everywhere. */
export async function startServices({ natsUrl, store, log, environment }: ServicesOptions): Promise<Running> {
  const config = readConfig(environment)
  const settings = (name: string) => ({
    nats: { servers: natsUrl },
    log: createLogger({ name, level: config.CARILLON_LOG_LEVEL, destination: log }),
  })
  const starting = [
    startRegistry({ ...settings('registry'), ...queueRetentionOf(config) }),
    startCoordinator({ ...settings('coordinator'), store, ...coordinatorSettingsOf(config) }),
    startLogger({
      ...settings('logger'),
      store,
      retentionDays: config.CARILLON_LOG_RETENTION_DAYS,
      linesPerRun: config.CARILLON_LOG_LINES_PER_RUN,
    }),
  ]
  const outcomes = await Promise.allSettled(starting)
  const running = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const stop = async () => {
    for (const service of running.reverse()) await service.stop()
  }
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure === undefined) return { stop }
  await stop()
  throw failure.reason
}
