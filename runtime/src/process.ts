import { CarillonError } from '@carillon/contracts'
import { type Clock, systemClock, type Timer } from '@carillon/wire/internal'
import type { Logger } from './logger.ts'

/** A service that runs. */
export interface Running {
  stop(): Promise<void>
}

const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const
/** Below npm and npx one Ctrl-C arrives twice: from the terminal, and passed on by npm. */
const SAME_PRESS_MS = 400
/** A start that waits for a store or a broker may do so for long: a signal to end the process need not wait. */
const START_ENDS_WITHIN_MS = 5_000
/** With a broker or a store that hangs, each part of a stop would wait for its time limit. Below the 30 s that compose grants. */
const STOP_ENDS_WITHIN_MS = 20_000

/**
 * Runs a process until a signal: the first SIGINT, SIGTERM or SIGHUP stops it in order, a second SIGINT or SIGTERM exits at once. A promise
 * that is rejected and not handled is logged, and ends nothing.
 * @param start may be under way when the signal comes; it is then stopped as soon as it has started, or given up after 5 s
 * @param options.stopWithinMs a stop that takes longer is given up: STOP_TIMED_OUT is logged, and the process exits
 */
export async function runProcess(
  start: () => Promise<Running>,
  log: Logger,
  options: { clock?: Clock; stopWithinMs?: number } = {},
): Promise<void> {
  const { clock = systemClock, stopWithinMs = STOP_ENDS_WITHIN_MS } = options
  let askedAt: number | undefined
  let exitCode = 0
  let givingUp: Timer | undefined
  const signalled = new Promise<void>((resolve) => {
    for (const [signal, code] of Object.entries(EXIT_CODES)) {
      process.on(signal, () => {
        if (askedAt === undefined) {
          askedAt = clock.monotonic()
          exitCode = code
          log.info({ evt: 'process.stopping', signal }, 'stopping')
          givingUp = clock.after(START_ENDS_WITHIN_MS, () => process.exit(code))
          resolve()
        } else if (signal !== 'SIGHUP' && clock.monotonic() - askedAt > SAME_PRESS_MS) process.exit(code)
      })
    }
  })
  process.on('unhandledRejection', (error) => log.error({ evt: 'process.unhandled-rejection', err: error }, 'an unhandled rejection'))
  const running = await start()
  await signalled
  givingUp?.cancel()
  const end = clock.after(stopWithinMs, () => {
    const err = new CarillonError('STOP_TIMED_OUT', `it did not end in order within ${stopWithinMs / 1_000} s`)
    log.fatal({ evt: 'process.stop-timed-out', err }, 'the stop is given up')
    process.exit(exitCode)
  })
  await running.stop()
  end.cancel()
}
