import type { AlertChannelRecord, AlertRuleRecord, DeliveryRecord, IncidentRecord } from './alert-records.ts'
import type { Columns } from './columns.ts'

export const ALERT_RULE_COLUMNS = {
  id: 'text',
  namespace: 'text',
  name: 'text',
  rule: 'json',
  by: 'text',
  revision: 'number',
  createdAt: 'number',
  updatedAt: 'number',
  share: 'number',
  wakeAt: 'number',
} as const satisfies Columns<AlertRuleRecord>

export const ALERT_CHANNEL_COLUMNS = {
  id: 'text',
  namespace: 'text',
  name: 'text',
  channel: 'json',
  target: 'json',
  secrets: 'text',
  state: 'json',
  by: 'text',
  revision: 'number',
  createdAt: 'number',
  updatedAt: 'number',
} as const satisfies Columns<AlertChannelRecord>

export const INCIDENT_COLUMNS = {
  id: 'text',
  namespace: 'text',
  rule: 'text',
  scene: 'text',
  cause: 'json',
  isShown: 'number',
  isCurrent: 'number',
  count: 'number',
  counted: 'json',
  examples: 'json',
  openedAt: 'number',
  lastAt: 'number',
  goneAt: 'number',
  recoveredAt: 'number',
  recovery: 'json',
  acknowledged: 'json',
  snoozedUntil: 'number',
  reminders: 'number',
  announcedAt: 'number',
  owed: 'json',
  revision: 'number',
  share: 'number',
  wakeAt: 'number',
} as const satisfies Columns<IncidentRecord>

export const DELIVERY_COLUMNS = {
  id: 'text',
  namespace: 'text',
  incident: 'text',
  channel: 'text',
  transition: 'text',
  message: 'json',
  state: 'text',
  tries: 'number',
  answer: 'text',
  at: 'number',
  sentAt: 'number',
  revision: 'number',
  share: 'number',
  wakeAt: 'number',
} as const satisfies Columns<DeliveryRecord>
