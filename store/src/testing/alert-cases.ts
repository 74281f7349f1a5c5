import assert from 'node:assert/strict'
import { SHARES } from '../shares.ts'
import { aChannel, aDelivery, anIncident, aRule } from './alert-records.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { allOf, range } from './pages.ts'
import { START_AT } from './records.ts'

const idsOf = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id)
const ALL = { shares: range(SHARES), limit: 10 }

export const ALERT_CASES: ConformanceCase[] = [
  {
    name: 'alerts: rules and channels of one name are one; replace and remove need the stored revision',
    async run(store, context) {
      const other = await context.openAnother()
      const [rule, channel] = [aRule('failures', { by: 'ada', wakeAt: START_AT }), aChannel('ops', { secrets: null })]
      assert.deepEqual(await store.alertRules.insert([rule, aRule('failures')]), ['created', 'duplicate'])
      assert.deepEqual(await store.alertChannels.insert([channel]), ['created'])
      assert.deepEqual(await other.alertRules.get(['default/none', rule.id]), [undefined, rule])
      const next = { ...rule, rule: { ...rule.rule, threshold: 5 }, revision: 2, wakeAt: null }
      assert.equal(await other.alertRules.replace(next, { revision: 7 }), 'refused')
      assert.equal(await other.alertRules.replace(next, { revision: 1 }), 'applied')
      assert.equal(await store.alertRules.replace(next, { revision: 1 }), 'refused')
      assert.deepEqual(await store.alertRules.get([rule.id]), [next])
      assert.equal(await store.alertRules.remove(rule.id, { revision: 1 }), 'refused')
      assert.equal(await store.alertRules.remove(rule.id, { revision: 2 }), 'applied')
      assert.deepEqual(await store.alertRules.get([rule.id]), [undefined])
      assert.equal(await store.alertChannels.remove(channel.id, { revision: 1 }), 'applied')
    },
  },
  {
    name: 'alerts: rules and channels are listed by name, and rules that are due by their time',
    async run(store) {
      const names = ['b', 'a', 'B', 'a-1', '0']
      await store.alertRules.insert([
        ...names.map((name, n) => aRule(name, { wakeAt: n % 2 ? null : START_AT + n })),
        aRule('z', { namespace: 'shop' }),
      ])
      await store.alertChannels.insert([...names.map((name) => aChannel(name)), aChannel('z', { namespace: 'shop' })])
      const rules = await allOf((cursor) => store.alertRules.list({ namespace: 'default', cursor, limit: 2 }))
      const channels = await allOf((cursor) => store.alertChannels.list({ namespace: 'default', cursor, limit: 2 }))
      assert.deepEqual(
        [rules, channels].map((all) => all.map(({ name }) => name)),
        [names.toSorted(), names.toSorted()],
      )
      assert.deepEqual(idsOf(await store.alertRules.due({ ...ALL, until: START_AT + 3 })), ['default/b', 'default/B'])
    },
  },
  {
    name: 'alerts: of 16 that open the next incident of a cause one does, and it is the latest',
    async run(store, context) {
      const stores = [store, await context.openAnother()]
      await store.incidents.insert([anIncident('icause', 1, { isCurrent: 0 }), anIncident('icaus', 9), anIncident('icausee', 9)])
      const outcomes = await Promise.all(range(16).map((n) => stores[n % 2]!.incidents.insert([anIncident('icause', 2, { count: n })])))
      assert.equal(outcomes.flat().filter((outcome) => outcome === 'created').length, 1)
      const latest = await store.incidents.latest('icause')
      assert.deepEqual([latest?.id, latest?.count], ['icause-000002', outcomes.flat().indexOf('created')])
      assert.equal(await store.incidents.latest('inone'), undefined)
    },
  },
  {
    name: 'alerts: incidents that are shown come newest first, by rule and state; those of a rule that are not over by id',
    async run(store) {
      const over = { isCurrent: 0, wakeAt: null, recoveredAt: START_AT, recovery: { code: 'over', values: {} }, goneAt: START_AT } as const
      const handled = { acknowledged: { at: START_AT, by: 'ada' }, snoozedUntil: START_AT + 9, announcedAt: START_AT, owed: [] }
      const incidents = [
        anIncident('ia', 1, over),
        anIncident('ib', 2, handled),
        anIncident('ic', 3, { rule: 'late' }),
        anIncident('id', 4, { isShown: 0 }),
        anIncident('ie', 5, { namespace: 'shop' }),
      ]
      await store.incidents.insert(incidents)
      const list = (filter: object) => allOf((cursor) => store.incidents.list({ namespace: 'default', ...filter, cursor, limit: 1 }))
      assert.deepEqual(await list({}), [incidents[2], incidents[1], incidents[0]])
      assert.deepEqual(await list({ isCurrent: 1 }), [incidents[2], incidents[1]])
      assert.deepEqual(await list({ isCurrent: 0 }), [incidents[0]])
      assert.deepEqual(await list({ rule: 'failures' }), [incidents[1], incidents[0]])
      assert.deepEqual(await list({ rule: 'failures', isCurrent: 1 }), [incidents[1]])
      const current = await allOf((cursor) => store.incidents.current({ namespace: 'default', rule: 'failures', cursor, limit: 1 }))
      assert.deepEqual(current, [incidents[1], incidents[3]])
      assert.deepEqual(idsOf(await store.incidents.due({ ...ALL, until: START_AT + 3 })), ['ib-000002', 'ic-000003'])
      assert.equal(await store.incidents.removeOlder({ before: START_AT + 9, limit: 5 }), 1)
      assert.deepEqual(await store.incidents.get(['ia-000001']), [undefined])
    },
  },
  {
    name: 'alerts: a delivery is made once, of two that claim it one has it, and those of an incident and of a channel are found',
    async run(store, context) {
      const other = await context.openAnother()
      const first = aDelivery('ia-000001', 'ops')
      const dueOf = (until: number) => store.deliveries.dueOf({ channel: 'default/ops', until, limit: 5 })
      assert.deepEqual(
        await store.deliveries.insert([first, aDelivery('ia-000001', 'chat', { at: START_AT - 1 }), aDelivery('ia-0000010', 'ops')]),
        ['created', 'created', 'created'],
      )
      assert.deepEqual(await other.deliveries.insert([first]), ['duplicate'])
      const claimed = { ...first, wakeAt: START_AT + 9, tries: 1, revision: 2 }
      const claims = await Promise.all([store, other].map((one) => one.deliveries.replace(claimed, { revision: 1 })))
      assert.deepEqual(claims.toSorted(), ['applied', 'refused'])
      assert.deepEqual(idsOf(await store.deliveries.due({ ...ALL, until: START_AT })), ['ia-000001.opened.chat', 'ia-0000010.opened.ops'])
      assert.deepEqual(idsOf(await store.deliveries.of('ia-000001')), ['ia-000001.opened.chat', 'ia-000001.opened.ops'])
      assert.deepEqual(idsOf(await dueOf(START_AT + 9)), [first.id, 'ia-0000010.opened.ops'])
      assert.deepEqual(idsOf(await dueOf(START_AT)), ['ia-0000010.opened.ops'])
      const channels = (after: string, until: number) => store.deliveries.channelsDue({ until, after, limit: 5 })
      assert.deepEqual(await channels('', START_AT + 9), ['default/chat', 'default/ops'])
      assert.deepEqual(await channels('default/chat', START_AT + 9), ['default/ops'])
      assert.deepEqual(await channels('', 0), [])
      assert.deepEqual(await store.deliveries.channelsDue({ until: START_AT, after: '', limit: 1 }), ['default/chat'])
      const sent = { ...claimed, state: 'sent', sentAt: START_AT + 1, answer: '200', wakeAt: null, revision: 3 } as const
      // Of what is expected the revision counts alone, also where it is a whole record.
      assert.equal(await store.deliveries.replace(sent, claimed), 'applied')
      assert.deepEqual(idsOf(await dueOf(START_AT + 9)), ['ia-0000010.opened.ops'])
      assert.equal(await store.deliveries.removeOlder({ before: START_AT, limit: 5 }), 1)
      assert.deepEqual(await store.deliveries.of('ia-000001'), [sent])
    },
  },
]
