import { type Due, SHARES } from '@carillon/store'
import type { AlertsParts } from './alerts-parts.ts'
import { repairedIncident } from './rules/incident.ts'
import { repairedDelivery } from './rules/sending.ts'

type Parts = Pick<AlertsParts, 'store' | 'clock'>

/** Further ahead than anything is planned, but for what an incident and a delivery may wait for. */
const AHEAD_MS = 60_000
const AT_ONCE = 100
const PAGES = 20
const ALL_SHARES = Array.from({ length: SHARES }, (_, share) => share)

/**
 * Brings back what was planned by a clock that was ahead: rules would not be compared, and incidents and deliveries not handled, until that time has come. An early wake
 * changes nothing: what is not due then is planned again.
 */
export class RepairTimes {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async execute(): Promise<void> {
    const { alertRules, incidents, deliveries } = this.#parts.store
    await this.#each(alertRules, async (ids) => {
      for (const rule of await alertRules.get(ids)) {
        if (rule !== undefined) await alertRules.replace({ ...rule, wakeAt: this.#now(), revision: rule.revision + 1 }, rule)
      }
    })
    await this.#each(incidents, async (ids) => {
      for (const incident of await incidents.get(ids)) {
        const repaired = incident && repairedIncident(incident, this.#now())
        if (repaired) await incidents.replace(repaired, incident)
      }
    })
    await this.#each(deliveries, async (ids) => {
      for (const delivery of await deliveries.get(ids)) {
        const repaired = delivery && repairedDelivery(delivery, this.#now())
        if (repaired) await deliveries.replace(repaired, delivery)
      }
    })
  }

  #now(): number {
    return this.#parts.clock.now()
  }

  async #each(
    source: { due(query: Parameters<Parts['store']['incidents']['due']>[0]): Promise<Due[]> },
    repair: (ids: readonly string[]) => Promise<void>,
  ): Promise<void> {
    let after: Due = { id: '', wakeAt: this.#now() + AHEAD_MS }
    for (let page = 0; page < PAGES; page++) {
      const found = await source.due({ until: Number.MAX_SAFE_INTEGER, after, shares: ALL_SHARES, limit: AT_ONCE })
      await repair(found.map(({ id }) => id))
      if (found.length < AT_ONCE) return
      after = found.at(-1) as Due
    }
  }
}
