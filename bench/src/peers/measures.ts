const IN_FLIGHT = 64
const PER_CALL = 500
const POLL_MS = 200
const LEAD_MS = 10_000
const LATE_MS = 60_000
const SECOND_MS = 1_000
const MINUTE_MS = 60_000

/** The wall clock that every process of the machine shares, in ms with fractions. */
export const now = () => performance.timeOrigin + performance.now()

/** Calls with 0 to `count` - 1, 64 at a time. */
export async function inFlight(count: number, call: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const caller = async () => {
    for (let i = next++; i < count; i = next++) await call(i)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller))
}

/** One call after another with 500 of `count` each. */
export async function inBulk(count: number, call: (indexes: readonly number[]) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += PER_CALL)
    await call(Array.from({ length: Math.min(PER_CALL, count - from) }, (_, i) => from + i))
}

export async function perSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return Math.round((count * 1_000) / (performance.now() - begun))
}

/** When the jobs are due: far enough ahead that all are scheduled before. `cron` is in UTC and comes to it once a minute. */
export function dueSoon(precision: 'second' | 'minute'): { at: number; cron: string } {
  const stepMs = precision === 'second' ? SECOND_MS : MINUTE_MS
  const at = Math.ceil((now() + LEAD_MS) / stepMs) * stepMs
  return { at, cron: precision === 'second' ? `${new Date(at).getUTCSeconds()} * * * * *` : '* * * * *' }
}

/**
 * The lateness in ms of the first `count` jobs that are due at `at`.
 * @param options.take the starts since it was asked last, in ms after `at`
 * @throws when the jobs were scheduled too late, or have not started long after they were due
 */
export async function untilStarted(count: number, options: { at: number; take: () => Promise<number[]> }): Promise<number[]> {
  if (now() >= options.at) throw new Error(`${count} jobs were not scheduled within ${LEAD_MS} ms; use fewer: --jobs`)
  const taken: number[] = []
  while (taken.length < count) {
    if (now() > options.at + LATE_MS) throw new Error(`${taken.length} of ${count} jobs started within ${LATE_MS} ms of their time`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    // A start before the time belongs to an earlier slot.
    taken.push(...(await options.take()).filter((lateMs) => lateMs > -SECOND_MS))
  }
  return taken.slice(0, count)
}
