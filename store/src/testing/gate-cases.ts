import assert from 'node:assert/strict'
import type { RunRecord } from '../records.ts'
import { SHARES } from '../shares.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { range } from './pages.ts'
import { aGate, aRun, headOf, START_AT } from './records.ts'

export const GATE_CASES: ConformanceCase[] = [
  {
    name: 'gates: put inserts and replaces, each if the revision is as expected; one that is refused does not affect the others',
    async run(store) {
      const holders = { runs: [{ id: 'run-1', key: '"a"', order: 7 }] }
      const first = [1, 2, 3].map((n) => ({ gate: aGate(n, { holders }), expect: null }))
      assert.deepEqual(await store.gates.put(first), ['applied', 'applied', 'applied'])
      const seal = { rule: 'batch', runId: 'run-2', through: 7, members: ['run-1'], at: START_AT } as const
      const changed = { window: { starts: [[START_AT, 1]] as const, seal }, turn: '"a"', wakeAt: START_AT, revision: 2 }
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
    name: 'gates: runs that wait are read by gate and key in the order of their arrival, and keys by their bytes',
    async run(store) {
      const waits = (n: number, fields: Partial<RunRecord>) => aRun(n, { state: 'waiting', queuedAt: null, gate: 'gate-1', ...fields })
      const keys = ['', '"*"', '"😀"', '"\uffee"', '"a"', '1']
      const runs = [
        ...range(5).map((n) => waits(n, { gateKey: '"a"', gateOrder: 10 - n })),
        ...keys.map((gateKey, i) => waits(10 + i, { gateKey, gateOrder: i + 20 })),
        waits(20, { gateKey: '"other"', gateOrder: 1, gate: 'gate-2' }),
        waits(21, { gateKey: '"queued"', gateOrder: 1, state: 'queued' }),
      ]
      await store.runs.insert(runs)
      const read = async (limit: number, skip = 0) =>
        (await store.runs.waiting([{ gate: 'gate-1', key: '"a"', limit, skip }]))[0]?.map(({ gateOrder }) => gateOrder)
      assert.deepEqual(
        [await read(3), await read(10, 3)],
        [
          [6, 7, 8],
          [9, 10, 24],
        ],
      )
      const [newest] = await store.runs.waiting([{ gate: 'gate-1', key: '"a"', limit: 2, skip: 1, isNewestFirst: true }])
      assert.deepEqual(
        newest?.map(({ gateOrder }) => gateOrder),
        [10, 9],
      )
      const query = { gate: 'gate-1', key: '"a"', limit: 2, skip: 1 }
      assert.deepEqual(await store.runs.arrivals([query, { ...query, gate: 'gate-9' }]), [
        [7, 8].map((gateOrder) => ({ id: runs[10 - gateOrder]!.id, slot: runs[0]!.slot, gateKey: '"a"', gateOrder })),
        [],
      ])
      const missing = await store.runs.places([runs[0]!.id, 'nobody'])
      assert.deepEqual(missing, [{ id: runs[0]!.id, state: 'waiting', gateOrder: 10 }, undefined])
      const [none, first] = await store.runs.waiting([
        { gate: 'gate-9', key: '', limit: 5 },
        { gate: 'gate-1', key: '', limit: 5 },
      ])
      assert.deepEqual([none, first], [[], [headOf(runs[5]!)]])
      const byBytes = keys.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
      const keysOf = (after: string | null, limit: number) => store.runs.waitingKeys({ gate: 'gate-1', after, limit })
      assert.deepEqual(await keysOf(null, 10), byBytes)
      assert.deepEqual([await keysOf(byBytes[1]!, 2), await keysOf(byBytes[5]!, 2)], [byBytes.slice(2, 4), []])
      const freed = { id: runs[9]!.id, expect: { state: ['waiting'] as const }, set: { state: 'queued', gateOrder: 99 } as const }
      const passed = { id: runs[10]!.id, expect: { ...freed.expect, gate: 'gate-1' }, set: { gate: null, terms: { mergedInto: 'run-1' } } }
      assert.deepEqual(await store.runs.update([freed, passed, passed]), ['applied', 'applied', 'refused'])
      const [moved, merged] = await store.runs.heads([freed.id, passed.id])
      assert.deepEqual([moved?.gateOrder, merged?.gate, merged?.terms], [99, null, { mergedInto: 'run-1' }])
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
