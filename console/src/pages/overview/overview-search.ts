import type { StatsComparison, StatsRange } from '@carillon/contracts'
import { STATS_COMPARISONS, STATS_RANGES } from '@carillon/contracts'
import { oneOf } from '../../url/search.ts'

/** `none`: nothing is compared. */
export const COMPARISONS = [...STATS_COMPARISONS, 'none'] as const
export type Comparison = (typeof COMPARISONS)[number]

export interface OverviewSearch {
  readonly range?: StatsRange | undefined
  readonly compare?: Comparison | undefined
}

export const DEFAULT_RANGE: StatsRange = '24h'

/** The same hours of last week; of a month those of four weeks before. */
export const comparisonOf = ({ range = DEFAULT_RANGE, compare }: OverviewSearch): Comparison => compare ?? (range === '30d' ? '28d' : '7d')

/** As the mesh takes it. */
export const compareInput = (chosen: Comparison): { readonly compare?: StatsComparison } => (chosen === 'none' ? {} : { compare: chosen })

export const readOverviewSearch = (search: Readonly<Record<string, unknown>>): OverviewSearch => ({
  range: oneOf(search, 'range', STATS_RANGES),
  compare: oneOf(search, 'compare', COMPARISONS),
})
