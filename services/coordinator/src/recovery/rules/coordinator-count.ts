/** A coordinator that appeared or died, and when, as one other coordinator saw it. */
export interface Change {
  readonly kind: 'appeared' | 'died'
  readonly atMs: number
}

/** How long a dead coordinator counts as missing; then the remaining ones are the expected number. */
export const DEATHS_COUNT_MS = 3_600_000

/** How many coordinators died recently without being replaced. One that left in order needs no replacement. */
export function missingCoordinators(changes: readonly Change[], nowMs: number): number {
  const recent = changes.filter(({ atMs }) => nowMs - atMs < DEATHS_COUNT_MS).sort((a, b) => a.atMs - b.atMs)
  let missing = 0
  for (const { kind } of recent) missing = kind === 'died' ? missing + 1 : Math.max(0, missing - 1)
  return missing
}
