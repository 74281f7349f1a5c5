/** A coordinator that appeared or died, and when, as one other coordinator saw it. */
export interface Change {
  readonly kind: 'appeared' | 'died'
  readonly atMs: number
}

/** A death is news for so long; then those that are left are how many there are. */
export const DEATHS_COUNT_MS = 3_600_000

/** How many coordinators died lately whose place nobody took. One that left in order had no place to be taken. */
export function missingCoordinators(changes: readonly Change[], nowMs: number): number {
  const recent = changes.filter(({ atMs }) => nowMs - atMs < DEATHS_COUNT_MS).sort((a, b) => a.atMs - b.atMs)
  let missing = 0
  for (const { kind } of recent) missing = kind === 'died' ? missing + 1 : Math.max(0, missing - 1)
  return missing
}
