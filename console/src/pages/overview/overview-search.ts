import type { StatsRange } from '@carillon/contracts'
import { STATS_RANGES } from '@carillon/contracts'
import { oneOf } from '../../url/search.ts'

export interface OverviewSearch {
  readonly range?: StatsRange | undefined
}

export const DEFAULT_RANGE: StatsRange = '24h'

export const readOverviewSearch = (search: Readonly<Record<string, unknown>>): OverviewSearch => ({
  range: oneOf(search, 'range', STATS_RANGES),
})
