import type { AlertChannelRecord, AlertRuleRecord, DeliveryRecord, IncidentRecord } from '../alert-records.ts'
import { shareOf } from '../shares.ts'
import { START_AT } from './records.ts'

export function aRule(name: string, fields: Partial<AlertRuleRecord> = {}): AlertRuleRecord {
  const { namespace = 'default' } = fields
  const id = `${namespace}/${name}`
  return {
    id,
    namespace,
    name,
    rule: { scene: 'run-failed', groupBy: 'cause', channels: ['ops'], enabled: true },
    by: null,
    revision: 1,
    createdAt: START_AT,
    updatedAt: START_AT,
    share: shareOf(id),
    wakeAt: null,
    ...fields,
  }
}

export function aChannel(name: string, fields: Partial<AlertChannelRecord> = {}): AlertChannelRecord {
  const { namespace = 'default' } = fields
  return {
    id: `${namespace}/${name}`,
    namespace,
    name,
    channel: { enabled: true, language: 'en' },
    target: { kind: 'webhook' },
    secrets: '{"url":"https://hooks.example.com/a"}',
    state: { sentAt: [] },
    by: null,
    revision: 1,
    createdAt: START_AT,
    updatedAt: START_AT,
    ...fields,
  }
}

/** The n-th incident of a cause. */
export function anIncident(prefix: string, n: number, fields: Partial<IncidentRecord> = {}): IncidentRecord {
  const id = `${prefix}-${String(n).padStart(6, '0')}`
  return {
    id,
    namespace: 'default',
    rule: 'failures',
    scene: 'run-failed',
    cause: { kind: 'job', name: 'report' },
    isShown: 1,
    isCurrent: 1,
    count: 1,
    counted: [{ id: 'run1', at: START_AT }],
    examples: [{ at: new Date(START_AT).toISOString(), what: 'failed', runId: 'run1' }],
    openedAt: START_AT + n,
    lastAt: START_AT + n,
    goneAt: null,
    recoveredAt: null,
    recovery: null,
    acknowledged: null,
    snoozedUntil: null,
    reminders: 0,
    announcedAt: null,
    owed: ['opened'],
    revision: 1,
    share: shareOf(id),
    wakeAt: START_AT + n,
    ...fields,
  }
}

export function aDelivery(incident: string, channel: string, fields: Partial<DeliveryRecord> = {}): DeliveryRecord {
  const id = `${incident}.opened.${channel}`
  const at = new Date(START_AT).toISOString()
  const cause = { kind: 'job', name: 'report' } as const
  return {
    id,
    namespace: 'default',
    incident,
    channel: `default/${channel}`,
    transition: 'opened',
    message: {
      ...{
        id: incident,
        rule: 'failures',
        scene: 'run-failed',
        cause,
        state: 'open',
        summary: 'it failed',
        count: 1,
        examples: [],
        more: 0,
      },
      ...{ openedAt: at, lastAt: at },
    },
    state: 'waiting',
    tries: 0,
    answer: null,
    at: START_AT,
    sentAt: null,
    revision: 1,
    share: shareOf(id),
    wakeAt: START_AT,
    ...fields,
  }
}
