import type { LifeHead } from '@carillon/store'

/**
 * Whether child runs of a life that has ended may be open. One that has succeeded has awaited them, or never asked for those that an earlier attempt has left: these are
 * found by their own `wakeAt`.
 */
export const mayLeaveChildren = ({ state, startedAt, attempt }: Pick<LifeHead, 'state' | 'startedAt' | 'attempt'>): boolean =>
  state === 'cancelled' || state === 'timed_out' || (state === 'failed' && (startedAt !== null || attempt > 1))
