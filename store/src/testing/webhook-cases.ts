import assert from 'node:assert/strict'
import type { WebhookRecord } from '../webhook-records.ts'
import type { ConformanceCase } from './conformance-case.ts'

const aWebhook = (job: string, fields: Partial<WebhookRecord> = {}): WebhookRecord => ({
  id: `default/${job}`,
  namespace: 'default',
  job,
  secrets: [{ id: 's1', secret: 'whsec_MDEyMzQ1Njc4OWFiY2RlZg==', createdAt: 1 }],
  by: 'ada',
  revision: 1,
  createdAt: 1,
  updatedAt: 1,
  ...fields,
})

export const WEBHOOK_CASES: readonly ConformanceCase[] = [
  {
    name: 'webhooks: one a job, replaced by who has seen it as it is',
    async run(store) {
      const hook = aWebhook('report')
      assert.equal(await store.webhooks.insert(hook), 'created')
      assert.equal(await store.webhooks.insert(aWebhook('report', { secrets: [] })), 'duplicate')
      assert.deepEqual(await store.webhooks.get(hook.id), hook)
      const rotated = {
        ...hook,
        secrets: [{ id: 's2', secret: 'other', createdAt: 2 }, ...hook.secrets],
        by: null,
        revision: 2,
        updatedAt: 2,
      }
      const outcomes = await Promise.all([rotated, rotated].map((record) => store.webhooks.replace(record, { revision: 1 })))
      assert.deepEqual([...outcomes].sort(), ['applied', 'refused'])
      assert.deepEqual(await store.webhooks.get(hook.id), rotated)
    },
  },
  {
    name: 'webhooks: removed, and made again',
    async run(store) {
      await store.webhooks.insert(aWebhook('report'))
      await store.webhooks.insert(aWebhook('report', { id: 'other/report', namespace: 'other' }))
      assert.equal(await store.webhooks.remove('default/report'), true)
      assert.equal(await store.webhooks.remove('default/report'), false)
      assert.equal(await store.webhooks.get('default/report'), undefined)
      assert.equal(await store.webhooks.replace(aWebhook('report', { revision: 2 }), { revision: 1 }), 'refused')
      assert.equal((await store.webhooks.get('other/report'))?.namespace, 'other')
      assert.equal(await store.webhooks.insert(aWebhook('report')), 'created')
    },
  },
]
