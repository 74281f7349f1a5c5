import type { Figure, Figures } from './peer.ts'

/** Of each peer its rounds. */
export type Rounds = Readonly<Record<string, readonly Figures[]>>
/** `carillon-sqlite/bullmq singlePerS` → how many times better Carillon is; more is always better. */
export type Ratios = Readonly<Record<string, number>>
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

const OURS = 'carillon-'
const TOLERATED = 0.85
const FIGURES: readonly Figure[] = [
  'singlePerS',
  'bulkPerS',
  'resultPerS',
  'startP50Ms',
  'startP99Ms',
  'fanOutPerS',
  'repeatableP99Ms',
  'peakMiB',
]

/** Median and range of each figure; of an even number of rounds the mean of the two in the middle. */
export function spreadsOf(rounds: readonly Figures[]): Partial<Record<Figure, Spread>> {
  const spreads: Partial<Record<Figure, Spread>> = {}
  for (const figure of FIGURES) {
    const values = rounds.flatMap((round) => round[figure] ?? []).sort((a, b) => a - b)
    const [least, most] = [values[0], values.at(-1)]
    if (least === undefined || most === undefined) continue
    const middle = values.slice(Math.floor((values.length - 1) / 2), Math.floor(values.length / 2) + 1)
    spreads[figure] = { median: Math.round((middle.reduce((sum, value) => sum + value, 0) / middle.length) * 100) / 100, least, most }
  }
  return spreads
}

/** The medians of Carillon against those of every other peer. */
export function ratiosOf(rounds: Rounds): Ratios {
  const ratios: Record<string, number> = {}
  const spreads = Object.entries(rounds).map(([name, of]) => ({ name, of: spreadsOf(of) }))
  for (const ours of spreads.filter(({ name }) => name.startsWith(OURS)))
    for (const theirs of spreads.filter(({ name }) => !name.startsWith(OURS)))
      for (const figure of FIGURES) {
        const [a, b] = [ours.of[figure]?.median, theirs.of[figure]?.median]
        if (!a || !b) continue
        const ratio = figure.endsWith('PerS') ? a / b : b / a
        ratios[`${ours.name}/${theirs.name} ${figure}`] = Math.round(ratio * 1_000) / 1_000
      }
  return ratios
}

/** Those that a baseline holds: a 99th percentile of one call differs by more from call to call than a change of the code makes. */
export const heldOf = (ratios: Ratios): Ratios => Object.fromEntries(Object.entries(ratios).filter(([name]) => !name.endsWith('P99Ms')))

/** What is wrong with `ratios`, a line each, for people: a ratio more than 15 % below its baseline, and one that was not measured. */
export function fallenBelow(baseline: Ratios, ratios: Ratios): string[] {
  return Object.entries(baseline).flatMap(([name, stored]) => {
    const ratio = ratios[name]
    if (ratio === undefined) return [`${name} was not measured; the stored ratio is ${stored}`]
    if (ratio >= stored * TOLERATED) return []
    return [`${name}: ${ratio} is ${Math.round((1 - ratio / stored) * 100)} % below the stored ${stored}; at most 15 % is allowed`]
  })
}
