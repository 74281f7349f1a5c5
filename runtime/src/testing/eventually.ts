const DEADLINE_MS = 5_000
const LOOK_EVERY_MS = 5

/** Waits until `look` answers something true, where processes meet and no signal tells. */
export async function eventually<Value>(what: string, look: () => Value | Promise<Value>): Promise<NonNullable<Value>> {
  const until = performance.now() + DEADLINE_MS
  for (;;) {
    const value = await look()
    if (value) return value
    if (performance.now() > until) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
