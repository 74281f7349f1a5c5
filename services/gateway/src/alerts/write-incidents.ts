import { CarillonError } from '@carillon/contracts'
import type { AlertRuleRecord, IncidentRecord } from '@carillon/store'
import { incidentPrefix } from './alert-ids.ts'
import type { AlertsParts } from './alerts-parts.ts'
import type { Cause } from './rules/facts.ts'
import type { Change, Place } from './rules/incident.ts'

type Parts = Pick<AlertsParts, 'store' | 'events'>

/** Gateways that change one incident at once: each reads it again when another was faster. */
const TRIES_AGAINST_OTHERS = 20

/** Writes what rules make of incidents, each if nobody has written it since it was read: else it is decided again. */
export class WriteIncidents {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Decides about the latest incident of a rule and a cause. @throws CarillonError CONCURRENT_CHANGE */
  async decide(rule: Pick<AlertRuleRecord, 'namespace' | 'name'>, cause: Cause, decision: (place: Place) => Change): Promise<void> {
    const prefix = incidentPrefix(rule.namespace, rule.name, cause)
    for (let i = 0; i < TRIES_AGAINST_OTHERS; i++) {
      const before = await this.#parts.store.incidents.latest(prefix)
      if ((await this.write(before, decision({ prefix, cause, before }))) !== 'refused') return
    }
    throw new CarillonError('CONCURRENT_CHANGE', `incidents of rule ${rule.name} are being changed by others`)
  }

  /** @returns what is stored now, or `refused` */
  async write(before: IncidentRecord | undefined, change: Change): Promise<IncidentRecord | undefined | 'refused'> {
    const { store, events } = this.#parts
    if (change === undefined) return before
    if ('remove' in change) return (await store.incidents.remove(change.remove.id, change.remove)) === 'applied' ? undefined : 'refused'
    const isNew = before?.id !== change.write.id
    const next = { ...change.write, revision: isNew ? 1 : before.revision + 1 }
    const isWritten = isNew
      ? (await store.incidents.insert([next]))[0] === 'created'
      : (await store.incidents.replace(next, before)) === 'applied'
    if (!isWritten) return 'refused'
    events.written(before, next)
    return next
  }
}
