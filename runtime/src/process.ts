import type { Logger } from './logger.ts'

/** A service that runs. */
export interface Running {
  stop(): Promise<void>
}

/**
 * Runs a process until a signal: the first SIGINT or SIGTERM stops it in order, the second exits at once with code 130.
 * @param start may be under way when the signal comes; it is then stopped as soon as it has started
 */
export async function runProcess(start: () => Promise<Running>, log: Logger): Promise<void> {
  let asked = 0
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (++asked > 1) process.exit(130)
        log.info({ evt: 'process.stopping', signal }, 'stopping')
        resolve()
      })
    }
  })
  const running = await start()
  await signalled
  await running.stop()
}
