const SIGNALS = ['SIGTERM', 'SIGINT'] as const
const NUMBERS = { SIGTERM: 15, SIGINT: 2 } as const
const SIGNAL_BASE = 128

/**
 * Drain on the first signal; the process then exits with 0, unless the application listens to the signal itself. The second signal exits at once.
 * @returns the way to stop listening
 */
export function onShutdownSignal(drain: () => Promise<void>): () => void {
  let isDraining = false
  const listen = (signal: (typeof SIGNALS)[number]) => {
    if (isDraining) process.exit(SIGNAL_BASE + NUMBERS[signal])
    isDraining = true
    const isOurs = process.listenerCount(signal) === 1
    drain().then(
      () => {
        if (isOurs) process.exit(0)
      },
      (error: unknown) => {
        process.emitWarning(`The drain failed: ${String(error)}`, { type: 'CarillonWarning' })
        if (isOurs) process.exit(1)
      },
    )
  }
  for (const signal of SIGNALS) process.on(signal, listen)
  return () => {
    for (const signal of SIGNALS) process.off(signal, listen)
  }
}
