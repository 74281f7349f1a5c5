import assert from 'node:assert/strict'
import { SHARES } from '../records.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { range } from './pages.ts'
import { aGate, START_AT } from './records.ts'

export const GATE_CASES: ConformanceCase[] = [
  {
    name: 'gates: put inserts and replaces, each if the revision is as expected; one that is refused does not affect the others',
    async run(store) {
      const holders = { runs: [{ id: 'run-1', key: '"a"' }] }
      const first = [1, 2, 3].map((n) => ({ gate: aGate(n, { holders }), expect: null }))
      assert.deepEqual(await store.gates.put(first), ['applied', 'applied', 'applied'])
      const changed = { window: { starts: [START_AT] }, turn: '"a"', wakeAt: START_AT, revision: 2 }
      const outcomes = await store.gates.put([
        { gate: aGate(1, changed), expect: 1 },
        { gate: aGate(2, changed), expect: 7 },
        { gate: aGate(3, changed), expect: null },
        { gate: aGate(4), expect: 1 },
        { gate: aGate(5), expect: null },
      ])
      assert.deepEqual(outcomes, ['applied', 'refused', 'refused', 'refused', 'applied'])
      assert.deepEqual(await store.gates.get([1, 2, 4, 5].map((n) => `gate-${n}`)), [
        aGate(1, changed),
        aGate(2, { holders }),
        undefined,
        aGate(5),
      ])
    },
  },
  {
    name: 'gates: of 16 that put the same revision one wins, also of the first',
    async run(store, context) {
      const stores = [store, await context.openAnother()]
      for (const expect of [null, 1]) {
        const puts = range(16).map((n) =>
          stores[n % 2]!.gates.put([{ gate: aGate(1, { revision: (expect ?? 0) + 1, turn: `"${n}"` }), expect }]),
        )
        const outcomes = (await Promise.all(puts)).flat()
        assert.equal(outcomes.filter((outcome) => outcome === 'applied').length, 1)
        assert.equal((await store.gates.get(['gate-1']))[0]?.turn, `"${outcomes.indexOf('applied')}"`)
      }
    },
  },
  {
    name: 'gates: remove only the revision that is meant; due earliest first, of the given shares',
    async run(store) {
      const gates = range(6).map((n) => aGate(n, { share: n % 2, wakeAt: n === 5 ? null : START_AT + 10 - n }))
      await store.gates.put(gates.map((gate) => ({ gate, expect: null })))
      const due = (shares: readonly number[]) => store.gates.due({ until: START_AT + 9, shares, limit: 10 })
      assert.deepEqual(
        (await due(range(SHARES))).map(({ id }) => id),
        ['gate-4', 'gate-3', 'gate-2', 'gate-1'],
      )
      assert.deepEqual(
        await due([1]),
        [3, 1].map((n) => ({ id: `gate-${n}`, wakeAt: START_AT + 10 - n })),
      )
      const removed = [
        { id: 'gate-1', revision: 1 },
        { id: 'gate-2', revision: 2 },
        { id: 'nobody', revision: 1 },
      ]
      assert.deepEqual(await store.gates.remove(removed), ['applied', 'refused', 'refused'])
      assert.deepEqual(
        (await store.gates.get(['gate-1', 'gate-2'])).map((gate) => gate?.id),
        [undefined, 'gate-2'],
      )
    },
  },
  {
    name: 'gates: orders are handed out once, in blocks, however many ask at once',
    async run(store, context) {
      const stores = [store, await context.openAnother()]
      const firsts = await Promise.all(range(40).map((n) => stores[n % 2]!.gates.takeOrder('default/report', 5)))
      assert.deepEqual(
        firsts.sort((a, b) => a - b),
        range(40).map((n) => n * 5),
      )
      assert.equal(await store.gates.takeOrder('default/other', 1), 0)
    },
  },
]
