import { STREAMS } from '@carillon/contracts'
import type { TimeSource } from '../mesh-clock.ts'
import type { Broker } from './connection.ts'

const ANSWER_WITHIN_MS = 2_000

/** The broker's clock: the time stamp in its info of any stream. */
export function brokerTime({ connection }: Pick<Broker, 'connection'>): TimeSource {
  return {
    name: 'the broker',
    read: async () => {
      for (const { name } of Object.values(STREAMS).toReversed()) {
        const answer = await connection.request(`$JS.API.STREAM.INFO.${name}`, '', { timeout: ANSWER_WITHIN_MS })
        const { ts } = answer.json<{ ts?: string }>()
        if (ts !== undefined) return Date.parse(ts)
      }
      return undefined
    },
  }
}
