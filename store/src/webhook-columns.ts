import type { Columns } from './columns.ts'
import type { WebhookRecord } from './webhook-records.ts'

export const WEBHOOK_COLUMNS = {
  id: 'text',
  namespace: 'text',
  job: 'text',
  secrets: 'json',
  by: 'text',
  revision: 'number',
  createdAt: 'number',
  updatedAt: 'number',
} as const satisfies Columns<WebhookRecord>
