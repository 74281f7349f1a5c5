import type { AlertChannelView, AlertRuleView, IncidentView, ListIncidents, Page } from '@carillon/contracts'
import { pageThatFits } from '@carillon/runtime'
import { messageId } from './alert-ids.ts'
import type { AlertsParts } from './alerts-parts.ts'
import {
  alertId,
  channelNotFound,
  channelView,
  deliveryView,
  incidentNotFound,
  incidentView,
  ruleNotFound,
  ruleView,
} from './rules/views.ts'

interface PageOf {
  readonly cursor?: string | undefined
  readonly limit: number
}

/** Reads rules, channels and incidents. */
export class ReadAlerts {
  readonly #store: AlertsParts['store']

  constructor({ store }: Pick<AlertsParts, 'store'>) {
    this.#store = store
  }

  /** @throws CarillonError ALERT_RULE_NOT_FOUND */
  async rule(namespace: string, name: string): Promise<AlertRuleView> {
    const [rule] = await this.#store.alertRules.get([alertId(namespace, name)])
    if (rule === undefined) throw ruleNotFound(name)
    return ruleView(rule)
  }

  rules(namespace: string, page: PageOf): Promise<Page<AlertRuleView>> {
    return pageThatFits(
      (maxBytes) => this.#store.alertRules.list({ namespace, ...page, maxBytes }),
      (items) => items.map(ruleView),
    )
  }

  /** @throws CarillonError ALERT_CHANNEL_NOT_FOUND */
  async channel(namespace: string, name: string): Promise<AlertChannelView> {
    const [channel] = await this.#store.alertChannels.get([alertId(namespace, name)])
    if (channel === undefined) throw channelNotFound(name)
    return channelView(channel)
  }

  channels(namespace: string, page: PageOf): Promise<Page<AlertChannelView>> {
    return pageThatFits(
      (maxBytes) => this.#store.alertChannels.list({ namespace, ...page, maxBytes }),
      (items) => items.map(channelView),
    )
  }

  /** @throws CarillonError INCIDENT_NOT_FOUND */
  async incident(namespace: string, id: string): Promise<IncidentView> {
    const [incident] = await this.#store.incidents.get([id])
    if (incident?.namespace !== namespace || incident.isShown === 0) throw incidentNotFound(id)
    const deliveries = await this.#store.deliveries.of(id)
    return { ...incidentView(incident), deliveries: deliveries.map((delivery) => deliveryView(delivery, messageId(delivery.id))) }
  }

  incidents(namespace: string, { state, rule, ...page }: ListIncidents): Promise<Page<IncidentView>> {
    const filter = { rule, ...(state === undefined ? {} : ({ isCurrent: state === 'open' ? 1 : 0 } as const)) }
    return pageThatFits(
      (maxBytes) => this.#store.incidents.list({ namespace, ...filter, ...page, maxBytes }),
      (items) => items.map(incidentView),
    )
  }
}
