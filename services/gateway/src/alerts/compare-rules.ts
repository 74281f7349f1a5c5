import { LIMITS } from '@carillon/contracts'
import type { AlertRuleRecord } from '@carillon/store'
import type { AlertsParts } from './alerts-parts.ts'
import type { ReadLasting } from './read-lasting.ts'
import type { Cause, Fact } from './rules/facts.ts'
import { holdFacts } from './rules/incident.ts'
import { causeOf } from './rules/matching.ts'
import type { WriteIncidents } from './write-incidents.ts'

type Parts = Pick<AlertsParts, 'store' | 'clock' | 'log'> & { readonly writeIncidents: WriteIncidents; readonly readLasting: ReadLasting }

const EVERY_MS = 5_000

/** Compares rules about what lasts with what there is. The gateway whose write moves the rule's time does it, so all gateways together do it once. */
export class CompareRules {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async execute(ids: readonly string[]): Promise<void> {
    const { store, log } = this.#parts
    for (const rule of await store.alertRules.get(ids)) {
      if (rule === undefined || !(await this.#isOurs(rule))) continue
      await this.#compare(rule).catch((error: unknown) =>
        log.warn(
          { evt: 'alerts.uncompared', rule: rule.id, err: error },
          'an alert rule could not be compared with what there is; trying again',
        ),
      )
    }
  }

  async #isOurs(rule: AlertRuleRecord): Promise<boolean> {
    const { store, clock } = this.#parts
    if (rule.wakeAt === null || rule.wakeAt > clock.now()) return false
    const next = { ...rule, wakeAt: clock.now() + EVERY_MS, revision: rule.revision + 1 }
    return (await store.alertRules.replace(next, rule)) === 'applied'
  }

  async #compare(rule: AlertRuleRecord): Promise<void> {
    const { store, clock, writeIncidents, readLasting } = this.#parts
    const held = new Map<string, { cause: Cause; facts: Fact[] }>()
    const at = (cause: Cause) => {
      const key = `${cause.kind} ${cause.name}`
      const there = held.get(key) ?? { cause, facts: [] }
      held.set(key, there)
      return there.facts
    }
    for (const fact of await readLasting.of(rule)) at(causeOf(rule, fact)).push(fact)
    const { items } = await store.incidents.current({ namespace: rule.namespace, rule: rule.name, limit: LIMITS.pageSize })
    for (const { cause } of items) at(cause)
    for (const { cause, facts } of held.values())
      await writeIncidents.decide(rule, cause, (place) => holdFacts({ rule, place, facts }, clock.now()))
  }
}
