import { SHARES } from '@carillon/store'
import type { AdvanceIncidents } from './advance-incidents.ts'
import type { AlertRounds } from './alert-loop.ts'
import type { AlertsParts } from './alerts-parts.ts'
import type { CompareRules } from './compare-rules.ts'
import type { RepairTimes } from './repair-times.ts'
import type { SendDeliveries } from './send-deliveries.ts'

type Parts = Pick<AlertsParts, 'store' | 'clock'> & {
  readonly compareRules: CompareRules
  readonly advanceIncidents: AdvanceIncidents
  readonly sendDeliveries: SendDeliveries
  readonly repairTimes: RepairTimes
}

const ROUND_MS = 1_000
const AT_ONCE = 100
const ALL_SHARES = Array.from({ length: SHARES }, (_, share) => share)
/** How long what is over is kept: a quarter. */
const KEPT_MS = 90 * 86_400_000
const SWEEP_EVERY_MS = 3_600_000
const SWEEP_AT_ONCE = 500

/** The loops of alerts. Each goes on where another one waits: a service that does not answer, or a receiver, holds up nothing else. */
export function alertRounds(parts: Parts): readonly AlertRounds[] {
  const { store, clock, compareRules, advanceIncidents, sendDeliveries, repairTimes } = parts
  const due = () => ({ until: clock.now(), shares: ALL_SHARES, limit: AT_ONCE })
  const compare = async () => {
    const rules = await store.alertRules.due(due())
    await compareRules.execute(rules.map(({ id }) => id))
    return rules.length === AT_ONCE
  }
  const advance = async () => {
    const incidents = await store.incidents.due(due())
    await advanceIncidents.execute(incidents.map(({ id }) => id))
    return incidents.length === AT_ONCE
  }
  const send = async (signal: AbortSignal) => {
    await sendDeliveries.execute(signal)
    return false
  }
  const sweep = async () => {
    const query = { before: clock.now() - KEPT_MS, limit: SWEEP_AT_ONCE }
    const removed = [await store.incidents.removeOlder(query), await store.deliveries.removeOlder(query)]
    return removed.includes(SWEEP_AT_ONCE)
  }
  const repair = async () => {
    await repairTimes.execute()
    return false
  }
  return [
    { name: 'compare', everyMs: ROUND_MS, execute: compare },
    { name: 'advance', everyMs: ROUND_MS, execute: advance },
    { name: 'send', everyMs: ROUND_MS, execute: send, settled: () => sendDeliveries.settled() },
    { name: 'sweep', everyMs: SWEEP_EVERY_MS, execute: sweep },
    { name: 'repair', everyMs: 60_000, execute: repair },
  ]
}
