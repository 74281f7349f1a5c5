const SIGNALS = ['SIGTERM', 'SIGINT'] as const
const NUMBERS = { SIGTERM: 15, SIGINT: 2 } as const
const SIGNAL_BASE = 128

/** The listeners of all meshes of this process, and how many of them drain. */
const ours = new Set<NodeJS.SignalsListener>()
let draining = 0

/**
 * Drain on the first signal; when every mesh of the process has, it exits with 0, unless the application listens to the signal itself. The
 * second signal exits without waiting for what runs: only its exit is reported.
 * @returns the way to stop listening
 */
export function onShutdownSignal(drain: () => Promise<void>): () => void {
  let isDraining = false
  const listen = (signal: NodeJS.Signals) => {
    if (isDraining) process.exit(SIGNAL_BASE + NUMBERS[signal as keyof typeof NUMBERS])
    isDraining = true
    draining++
    const isOurs = process.listeners(signal).every((listener) => ours.has(listener))
    const drained = (code: number) => {
      draining--
      if (isOurs && draining === 0) process.exit(code)
    }
    drain().then(
      () => drained(0),
      (error: unknown) => {
        process.emitWarning(`The drain failed: ${String(error)}`, { type: 'CarillonWarning' })
        drained(1)
      },
    )
  }
  ours.add(listen)
  for (const signal of SIGNALS) process.on(signal, listen)
  return () => {
    ours.delete(listen)
    for (const signal of SIGNALS) process.off(signal, listen)
  }
}
