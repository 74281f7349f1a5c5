import {
  type AlertChannelView,
  type AlertRuleView,
  CarillonError,
  type ErrorCode,
  type IncidentDelivery,
  type IncidentView,
  printable,
} from '@carillon/contracts'
import type { AlertChannelRecord, AlertRuleRecord, DeliveryRecord, IncidentRecord } from '@carillon/store'
import { phraseText, summaryOf } from './phrases.ts'

const timeText = (at: number) => new Date(at).toISOString()
const optional = <Key extends string, Value>(key: Key, value: Value | null | undefined) =>
  (value === null || value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value }

export const alertId = (namespace: string, name: string) => `${namespace}/${name}`

export function ruleView({ name, rule, createdAt, updatedAt, by }: AlertRuleRecord): AlertRuleView {
  return { name, ...rule, createdAt: timeText(createdAt), updatedAt: timeText(updatedAt), ...optional('by', by) } as AlertRuleView
}

export function channelView(record: AlertChannelRecord): AlertChannelView {
  const { name, channel, target, secrets, state, createdAt, updatedAt, by } = record
  const secret = secretsOf(record)
  const { last, disabled, failures, pausedUntil = 0, mutedUntil = 0 } = state
  const heldUntil = Math.max(pausedUntil, mutedUntil)
  return {
    name,
    ...channel,
    target,
    address: addressOf(target, secret),
    secrets: secrets === null ? [] : Object.keys(secret),
    ...optional('last', last && { ...last, at: timeText(last.at) }),
    ...optional('failures', failures),
    ...optional('heldUntil', heldUntil > 0 ? timeText(heldUntil) : undefined),
    ...optional('disabled', disabled && { ...disabled, at: timeText(disabled.at) }),
    createdAt: timeText(createdAt),
    updatedAt: timeText(updatedAt),
    ...optional('by', by),
  } as AlertChannelView
}

export const secretsOf = ({ secrets }: Pick<AlertChannelRecord, 'secrets'>): Record<string, unknown> =>
  secrets === null ? {} : (JSON.parse(secrets) as Record<string, unknown>)

/** Where a channel sends to, without what is a secret about it: of a URL its host. */
function addressOf(target: AlertChannelRecord['target'], secret: Readonly<Record<string, unknown>>): string {
  if ('to' in target && target.to) return target.to.join(', ')
  if ('subject' in target && target.subject) return target.subject
  return typeof secret['url'] === 'string' ? new URL(secret['url']).host : ''
}

export function incidentView(incident: IncidentRecord): IncidentView {
  const { id, rule, scene, cause, isCurrent, count, examples, openedAt, lastAt, recoveredAt, recovery, acknowledged, snoozedUntil } =
    incident
  return {
    ...{ id, rule, scene, cause, state: isCurrent === 1 ? 'open' : 'recovered', summary: summaryOf(incident, 'en'), count, examples },
    more: Math.max(0, count - examples.length),
    openedAt: timeText(openedAt),
    lastAt: timeText(lastAt),
    ...optional('recoveredAt', recoveredAt === null ? null : timeText(recoveredAt)),
    ...optional('recovery', recovery && phraseText(recovery, 'en')),
    ...optional('recoveryPhrase', recovery),
    ...optional('acknowledged', acknowledged && { ...acknowledged, at: timeText(acknowledged.at) }),
    ...optional('snoozedUntil', snoozedUntil === null ? null : timeText(snoozedUntil)),
  }
}

/** @param messageId of the message that it was sent with */
export function deliveryView(
  { channel, transition, state, tries, answer, sentAt, wakeAt }: DeliveryRecord,
  messageId: string,
): IncidentDelivery {
  return {
    ...{ id: messageId, channel: channel.slice(channel.indexOf('/') + 1), transition, state, tries },
    ...optional('answer', answer),
    ...optional('nextTryAt', wakeAt === null ? null : timeText(wakeAt)),
    ...optional('sentAt', sentAt === null ? null : timeText(sentAt)),
  }
}

export const ruleNotFound = (name: string) => notFound('ALERT_RULE_NOT_FOUND', 'alert rule', { field: 'name', value: name })
export const channelNotFound = (name: string, field = 'name') =>
  notFound('ALERT_CHANNEL_NOT_FOUND', 'alert channel', { field, value: name })
export const incidentNotFound = (id: string) => notFound('INCIDENT_NOT_FOUND', 'incident', { field: 'id', value: id })

function notFound(code: ErrorCode, what: string, { field, value }: { field: string; value: string }): CarillonError {
  return new CarillonError(code, `there is no ${what} ${printable(value)}`, { field, value: printable(value) })
}
