// Free of schemas: the console loads it.

/** What can be done with many runs at once. */
export const BULK_ACTIONS = ['cancel', 'retry', 'retry-failed', 'pause', 'resume'] as const
export type BulkAction = (typeof BULK_ACTIONS)[number]
