import { setTimeout as sleepFor } from 'node:timers/promises'

/** Milliseconds since 1970. The only reader of the machine's clock in the commands. */
export const now = (): number => Date.now()

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
