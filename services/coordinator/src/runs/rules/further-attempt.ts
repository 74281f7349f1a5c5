import type { LifeHead } from '@carillon/store'

/**
 * The next attempt, which uses up no try: what an instance has received of the one before, or reports about it, does not count any more. Those that use no try are
 * counted as `sleeps`.
 */
export const furtherAttempt = ({ attempt, attempts, sleeps }: Pick<LifeHead, 'attempt' | 'attempts' | 'sleeps'>) => ({
  attempt: attempt + 1,
  attempts: attempts + 1,
  sleeps: (sleeps ?? 0) + 1,
})
