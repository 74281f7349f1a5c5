const DEADLINE_MS = 5_000
const LOOK_EVERY_MS = 5

/** Waits until `look` answers something true, where processes meet and no signal tells. */
export async function eventually<Value>(
  what: string,
  look: () => Value | Promise<Value>,
  withinMs = DEADLINE_MS,
): Promise<Exclude<NonNullable<Value>, false>> {
  const until = performance.now() + withinMs
  for (;;) {
    const value = await look()
    if (value) return value as Exclude<NonNullable<Value>, false>
    if (performance.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
