import type { LoggerService } from '@nestjs/common'
import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

/** A pino logger: JSON lines to stdout unless `destination` says otherwise. Secrets in addresses are cut. */
export function createLogger(options: { name: string; level?: string; destination?: DestinationStream }): Logger {
  const settings = { name: options.name, level: options.level ?? 'info', redact: ['password', 'token', '*.password', '*.token'] }
  return options.destination ? pino(settings, options.destination) : pino(settings)
}

/** Nest's own lines, in our log: only what is wrong, since Nest narrates its boot. */
export function nestLogger(log: Logger): LoggerService {
  const text = (message: unknown) => (message instanceof Error ? message.message : String(message))
  return {
    log: (message: unknown) => log.trace(text(message)),
    error: (message: unknown) => log.error(text(message)),
    warn: (message: unknown) => log.warn(text(message)),
    fatal: (message: unknown) => log.fatal(text(message)),
  }
}
