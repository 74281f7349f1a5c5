import { STREAMS } from '@carillon/contracts'
import type { Broker } from '@carillon/runtime'

/** Streams whose messages make or end runs. */
const APPLIED = [STREAMS.TRIGGERS.name, STREAMS.REPORTS.name] as const

/** When the oldest message was stored that no coordinator has acknowledged, by the broker's clock; Infinity: there is none. @throws Error of the broker */
export async function unappliedSince({ manager }: Broker): Promise<number> {
  const infos = await Promise.all(APPLIED.map((name) => manager.streams.info(name)))
  return Math.min(...infos.map(({ state }) => (state.messages === 0 ? Number.POSITIVE_INFINITY : Date.parse(state.first_ts))))
}
