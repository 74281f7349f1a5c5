import { type AlertRule, type AlertRuleView, CarillonError, LIMITS } from '@carillon/contracts'
import type { AlertsParts } from './alerts-parts.ts'
import { ruleOf } from './rules/definitions.ts'
import { checkQuietHours } from './rules/quiet-hours.ts'
import { alertId, channelNotFound, ruleNotFound, ruleView } from './rules/views.ts'

type Parts = Pick<AlertsParts, 'store' | 'clock' | 'turns' | 'known'>

/** Puts and removes alert rules. */
export class ChangeRules {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws CarillonError ALERT_CHANNEL_NOT_FOUND, INVALID_TIME_ZONE, TOO_MANY_ALERTS */
  async put(namespace: string, input: AlertRule, by: string | undefined): Promise<AlertRuleView> {
    const { store, clock, turns, known } = this.#parts
    if (input.quietHours) checkQuietHours(input.quietHours)
    const channels = await store.alertChannels.get(input.channels.map((channel) => alertId(namespace, channel)))
    const missing = input.channels.find((_, i) => channels[i] === undefined)
    if (missing !== undefined) throw channelNotFound(missing, 'channels')
    const id = alertId(namespace, input.name)
    const stored = await turns.take({ kind: 'alert rule', id, name: input.name, field: 'name' }, async () => {
      const [before] = await store.alertRules.get([id])
      const rule = ruleOf(input, { namespace, by, now: clock.now() }, before)
      if (before) return (await store.alertRules.replace(rule, before)) === 'applied' ? rule : undefined
      await this.#checkRoom(namespace)
      return (await store.alertRules.insert([rule]))[0] === 'created' ? rule : undefined
    })
    await known.changed(namespace, input.name, 'put')
    return ruleView(stored)
  }

  async #checkRoom(namespace: string): Promise<void> {
    const { items } = await this.#parts.store.alertRules.list({ namespace, limit: LIMITS.alertRules })
    if (items.length >= LIMITS.alertRules)
      throw new CarillonError('TOO_MANY_ALERTS', `namespace ${namespace} has ${LIMITS.alertRules} alert rules, as many as it may have`)
  }

  /** What of it is open ends when its time comes, because there is no such rule. @throws CarillonError ALERT_RULE_NOT_FOUND */
  async remove(namespace: string, name: string): Promise<{ removed: true }> {
    const { store, turns, known } = this.#parts
    const id = alertId(namespace, name)
    await turns.take({ kind: 'alert rule', id, name, field: 'name' }, async () => {
      const [before] = await store.alertRules.get([id])
      if (before === undefined) throw ruleNotFound(name)
      return (await store.alertRules.remove(id, before)) === 'applied' ? true : undefined
    })
    await known.changed(namespace, name, 'removed')
    return { removed: true }
  }
}
