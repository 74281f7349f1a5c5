import assert from 'node:assert/strict'
import { SHARES } from '../shares.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { range } from './pages.ts'
import { aSignal, runId, START_AT } from './records.ts'

const [RUN, OTHER] = [runId(1), runId(2)]
const OF = { namespace: 'default', runId: RUN }
const idsOf = (signals: readonly { readonly id: string }[]) => signals.map(({ id }) => id.slice(-6))

export const SIGNAL_CASES: ConformanceCase[] = [
  {
    name: 'signals: one message id is one signal; those of a name that are open come in the order of their arrival',
    async run(store) {
      const large = JSON.stringify('x'.repeat(50_000))
      const late = aSignal(RUN, 1, { at: START_AT + 9, payload: large, bytes: large.length, by: 'ada', unclaimed: 1 })
      const same = range(3).map((n) => aSignal(RUN, 5 - n, { at: START_AT + 5, sequence: n }))
      assert.deepEqual(await store.signals.insert([late, ...same]), ['created', 'created', 'created', 'created'])
      assert.deepEqual(await store.signals.insert([aSignal(RUN, 1, { payload: '"another"' })]), ['duplicate'])
      await store.signals.insert([aSignal(RUN, 7, { name: 'paid-2' }), aSignal(RUN, 8, { namespace: 'other' }), aSignal(OTHER, 1)])
      const open = (limit: number) => store.signals.open({ ...OF, name: 'paid', limit })
      assert.deepEqual(idsOf(await open(10)), ['paid.5', 'paid.4', 'paid.3', 'paid.1'])
      assert.deepEqual((await open(10)).at(-1), late)
      assert.deepEqual(idsOf(await open(2)), ['paid.5', 'paid.4'])
      assert.deepEqual(await store.signals.get([late.id, 'none']), [late, undefined])
    },
  },
  {
    name: 'signals: of two that take one the first has it; what is given back is open again',
    async run(store) {
      const signal = aSignal(RUN, 1, { unclaimed: 1 })
      await store.signals.insert([signal, aSignal(RUN, 2)])
      const take = (taker: string) => ({ id: signal.id, expect: { takenBy: null }, set: { takenBy: taker, unclaimed: 0 } })
      assert.deepEqual(await store.signals.update([take('one'), take('two')]), ['applied', 'refused'])
      assert.deepEqual(await store.signals.takenBy('one'), [{ ...signal, takenBy: 'one', unclaimed: 0 }])
      assert.deepEqual(await store.signals.takenBy('two'), [])
      assert.deepEqual(idsOf(await store.signals.open({ ...OF, name: 'paid', limit: 5 })), ['paid.2'])
      const back = { id: signal.id, expect: { takenBy: 'two' }, set: { takenBy: null } }
      assert.deepEqual(await store.signals.update([back, { ...back, expect: { takenBy: 'one' } }]), ['refused', 'applied'])
      assert.deepEqual(idsOf(await store.signals.open({ ...OF, name: 'paid', limit: 5 })), ['paid.1', 'paid.2'])
    },
  },
  {
    name: 'signals: what nothing has taken is counted by run, and by namespace what came before its run',
    async run(store) {
      await store.signals.insert(range(5).map((n) => aSignal(RUN, n, { bytes: 10 + n, unclaimed: n % 2, takenBy: n === 4 ? 'one' : null })))
      await store.signals.insert([aSignal(OTHER, 1, { unclaimed: 1 }), aSignal(OTHER, 2, { namespace: 'other', unclaimed: 1 })])
      assert.deepEqual(await store.signals.usage(OF), { count: 4, bytes: 46 })
      assert.deepEqual(await store.signals.usage({ ...OF, runId: runId(9) }), { count: 0, bytes: 0 })
      const count = (atMost: number) => store.signals.countUnclaimed({ namespace: 'default', atMost })
      assert.deepEqual(await Promise.all([count(10), count(2)]), [3, 2])
    },
  },
  {
    name: 'signals: a run lists its own by id, a page at a time; what is due comes first by time, and is removed',
    async run(store) {
      const signals = range(5).map((n) => aSignal(RUN, n))
      await store.signals.insert([...signals, aSignal(OTHER, 3), aSignal(`${RUN}0`, 1)])
      const first = await store.signals.list({ ...OF, limit: 3 })
      assert.deepEqual(first.items, signals.slice(0, 3))
      const rest = await store.signals.list({ ...OF, limit: 3, cursor: first.cursor })
      assert.deepEqual([rest.items, rest.cursor], [signals.slice(3), undefined])
      const due = { until: START_AT + 3, shares: range(SHARES), limit: 4 }
      assert.deepEqual(
        (await store.signals.due(due)).map(({ wakeAt }) => wakeAt - START_AT),
        [0, 1, 1, 2],
      )
      assert.deepEqual(await store.signals.due({ ...due, shares: [] }), [])
      await store.signals.remove(signals.slice(1).map(({ id }) => id))
      await store.signals.remove([])
      assert.deepEqual((await store.signals.list({ ...OF, limit: 9 })).items, signals.slice(0, 1))
    },
  },
]
