import { setTimeout as sleepFor } from 'node:timers/promises'

/** Milliseconds since 1970. The only reader of the machine's clock in the commands. */
export const now = (): number => Date.now()

/** Runs `action` at intervals, as long as something else keeps the process alive; answers a function that ends it. */
export function every(periodMs: number, action: () => void): () => void {
  const timer = setInterval(action, periodMs).unref()
  return () => clearInterval(timer)
}

/** Waits `delayMs`, or until `signal` aborts; answers false when it was aborted. */
export async function pause(delayMs: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await sleepFor(delayMs, undefined, signal ? { signal } : {})
    return true
  } catch (error) {
    if (signal?.aborted) return false
    throw error
  }
}
