import { now } from '../../clock.ts'
import { tookText } from '../../output/time-text.ts'
import type { CheckContext } from './context.ts'
import { type Finding, well, wrong } from './finding.ts'

/** Less is not seen by a person, and schedules of whole seconds stay in order. */
const MAX_DIFFERENCE_MS = 1_000

/** Compares this machine's clock with the broker's, from the time stamp of a stream's info. */
export async function checkClock({ broker }: CheckContext): Promise<Finding[]> {
  const before = now()
  const answer = await broker.connection.request('$JS.API.STREAM.INFO.EVENTS')
  const after = now()
  const { ts } = answer.json<{ ts?: string }>()
  // Without the stream there is no stamp; that it is missing is a finding of its own.
  if (ts === undefined) return []
  const difference = Math.round(Date.parse(ts) - (before + after) / 2)
  const uncertainty = Math.ceil((after - before) / 2)
  const text = `the broker's clock is ${tookText(Math.abs(difference))} ${difference < 0 ? 'behind' : 'ahead of'} this machine's`
  if (Math.abs(difference) - uncertainty <= MAX_DIFFERENCE_MS) return [well('clock', text)]
  return [wrong('clock', text, 'Synchronise the clocks of all machines, for instance with chrony.')]
}
