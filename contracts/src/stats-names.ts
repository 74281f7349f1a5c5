// Free of schemas: the console loads it.

/** How far back a statistic goes, up to now. */
export const STATS_RANGES = ['1h', '24h', '7d', '30d'] as const
export type StatsRange = (typeof STATS_RANGES)[number]

/** How long before a statistic the same hours are compared: yesterday, last week, four weeks ago. */
export const STATS_COMPARISONS = ['1d', '7d', '28d'] as const
export type StatsComparison = (typeof STATS_COMPARISONS)[number]

/** What may have changed how runs fare: a service came with another version; the others are changes of a job. */
export const STATS_MARK_KINDS = ['version', 'put', 'paused', 'resumed', 'removed'] as const
export type StatsMarkKind = (typeof STATS_MARK_KINDS)[number]

/** Why a task waits, or a run is not begun. */
export const WAITING_REASONS = ['queued', 'no-instance', 'gate', 'paused', 'delayed'] as const
export type WaitingReason = (typeof WAITING_REASONS)[number]
