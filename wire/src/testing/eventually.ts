import { setTimeout as sleep } from 'node:timers/promises'

/** Only what never happens takes so long: other work on the machine must fail no test. */
const WITHIN_MS = 60_000
const LOOK_EVERY_MS = 10

/**
 * Options of the requests and JetStream clients of a test; those of the NATS client are 1 and 5 s. Not for what `eventually` asks again while a broker is down:
 * a request that is lost with it would be waited for as long.
 */
export const REQUEST_DEADLINE = { timeout: WITHIN_MS }

/**
 * Polls until the answer is truthy, for conditions that no event announces. What `look` throws counts as "not yet".
 * @throws with what was waited for and the last error when `withinMs` (default 60 s) have passed
 */
export async function eventually<Value>(
  what: string,
  look: () => Value | Promise<Value>,
  { withinMs = WITHIN_MS, everyMs = LOOK_EVERY_MS }: { withinMs?: number; everyMs?: number } = {},
): Promise<Exclude<NonNullable<Value>, false>> {
  const until = performance.now() + withinMs
  for (;;) {
    let last: unknown
    try {
      const value = await look()
      if (value) return value as Exclude<NonNullable<Value>, false>
    } catch (error) {
      last = error
    }
    if (performance.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`, { cause: last })
    await sleep(everyMs)
  }
}

/** A promise to be settled from outside. */
export function signal<Value = void>(): { readonly fired: Promise<Value>; fire(value: Value): void } {
  let fire: (value: Value) => void = () => undefined
  const fired = new Promise<Value>((resolve) => {
    fire = resolve
  })
  return { fired, fire }
}

/** Fails after a time, for promises that could wait for ever. */
export async function within<Value>(ms: number, what: string, promise: Promise<Value>): Promise<Value> {
  const over = new AbortController()
  const late = sleep(ms, undefined, { signal: over.signal }).then(
    () => Promise.reject(new Error(`not within ${ms} ms: ${what}`)),
    () => new Promise<never>(() => undefined),
  )
  try {
    return await Promise.race([promise, late])
  } finally {
    over.abort()
  }
}
