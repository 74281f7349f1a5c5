const DEADLINE_MS = 10_000
const LOOK_EVERY_MS = 5

/** Wait until `look` returns something truthy, where processes meet and nothing else can tell. */
export async function eventually<Value>(
  what: string,
  look: () => Value | Promise<Value>,
  deadlineMs = DEADLINE_MS,
): Promise<NonNullable<Value>> {
  const until = performance.now() + deadlineMs
  for (;;) {
    const value = await look()
    if (value) return value
    if (performance.now() > until) throw new Error(`Not within ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

/** A promise to be settled from outside: a test's signal. */
export function signal<Value = void>(): { readonly fired: Promise<Value>; fire(value: Value): void } {
  let fire: (value: Value) => void = () => undefined
  const fired = new Promise<Value>((resolve) => {
    fire = resolve
  })
  return { fired, fire }
}
