// Free of schemas: the console loads it.

/** How far back a statistic goes, up to now. */
export const STATS_RANGES = ['1h', '24h', '7d', '30d'] as const
export type StatsRange = (typeof STATS_RANGES)[number]

/** Why a task waits, or a run is not begun. */
export const WAITING_REASONS = ['queued', 'no-instance', 'gate', 'paused', 'delayed'] as const
export type WaitingReason = (typeof WAITING_REASONS)[number]
