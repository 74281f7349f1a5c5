import type { RunHead } from '@carillon/store'

/** Someone has cancelled it, or is about to: only a retry begins it again, not what is said about one of its nodes. */
export const wasCancelled = ({ state, reason }: Pick<RunHead, 'state' | 'reason'>): boolean =>
  state === 'cancelling' || (state === 'cancelled' && reason !== 'tasks-cancelled')
