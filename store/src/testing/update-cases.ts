import assert from 'node:assert/strict'
import { RUN_STATES, taskIdOf } from '@carillon/contracts'
import type { LifeExpectation, UpdateOutcome } from '../ports.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { range } from './pages.ts'
import { aFinish, aRun, aTask, runId, START_AT } from './records.ts'

/** What is expected of a run that is running as attempt 2 of i-1, and whether that holds. */
const EXPECTATIONS: readonly [LifeExpectation, boolean][] = [
  [{ state: ['running'] }, true],
  [{ state: ['queued', 'running'] }, true],
  [{ state: ['queued', 'cancelling'] }, false],
  [{ state: [] }, false],
  [{ state: ['running'], attempt: 2 }, true],
  [{ state: ['running'], attempt: 1 }, false],
  [{ state: ['running'], owner: ['i-1'] }, true],
  [{ state: ['running'], owner: ['i-2'] }, false],
  [{ state: ['running'], owner: [null] }, false],
  [{ state: ['running'], owner: [null, 'i-1'] }, true],
  [{ state: ['running'], owner: ['i-2', 'i-1'] }, true],
  [{ state: ['running'], owner: [null, 'i-2', 'i-3'] }, false],
  [{ state: ['running'], owner: [] }, false],
  [{ state: ['running'], attempt: 2, owner: ['i-1'] }, true],
  [{ state: ['running'], attempt: 3, owner: ['i-1'] }, false],
  [{ namespace: 'default', state: ['running'], attempt: 2, owner: ['i-1'] }, true],
  [{ state: ['running'], target: null }, true],
  [{ state: ['running'], target: 'i-1' }, false],
  [{ state: ['running'], wakeAt: START_AT + 5 }, true],
  [{ state: ['running'], wakeAt: START_AT + 6 }, false],
  [{ state: ['running'], wakeAt: null }, false],
  [{ namespace: 'other', state: ['running'], attempt: 2, owner: ['i-1'] }, false],
]

export const UPDATE_CASES: ConformanceCase[] = [
  {
    name: 'what is known about the compensation of a run is kept, and shown in heads',
    async run(store) {
      await store.runs.insert([aRun(1)])
      for (const compensation of ['cut', 'incomplete', 'again', 'complete', null] as const) {
        assert.deepEqual(await store.runs.update([{ id: runId(1), expect: { state: ['queued'] }, set: { compensation } }]), ['applied'])
        assert.equal((await store.runs.heads([runId(1)]))[0]?.compensation, compensation)
      }
    },
  },
  {
    name: 'every state of the life cycle can be kept, expected, listed and counted',
    async run(store) {
      await store.runs.insert(RUN_STATES.map((_, n) => aRun(n, { state: 'waiting' })))
      await store.tasks.insert(RUN_STATES.map((_, n) => aTask('stateful-run', n, { state: 'waiting' })))
      for (const [n, state] of RUN_STATES.entries()) {
        const id = runId(n)
        const taskId = taskIdOf('stateful-run', n)
        const change = { expect: { state: ['waiting'] }, set: { state, queuedAt: state === 'queued' ? START_AT : null } } as const
        assert.deepEqual(await store.runs.update([{ id, ...change }]), ['applied'], state)
        assert.deepEqual(await store.tasks.update([{ id: taskId, ...change }]), ['applied'], state)
        const others = { expect: { state: RUN_STATES.filter((other) => other !== state) }, set: { attempt: 99 } }
        assert.deepEqual(await store.runs.update([{ id, ...others }]), ['refused'], state)
        assert.deepEqual(await store.tasks.update([{ id: taskId, ...others }]), ['refused'], state)
      }
      const tally = (await store.tasks.tally({ runId: 'stateful-run' })).map(({ state, count }) => [state, count])
      assert.deepEqual(new Map(tally as [string, number][]), new Map(RUN_STATES.map((state) => [state, 1])))
      for (const [n, state] of RUN_STATES.entries()) {
        const runs = await store.runs.list({ namespace: 'default', states: [state], limit: 10 })
        assert.deepEqual(
          runs.items.map(({ id }) => id),
          [runId(n)],
          state,
        )
        const tasks = await store.tasks.list({ runId: 'stateful-run', state, limit: 10 })
        assert.deepEqual(
          tasks.items.map(({ index }) => index),
          [n],
          state,
        )
        assert.equal(await store.tasks.countUpTo({ runId: 'stateful-run', states: [state], atMost: 5 }), 1, state)
      }
    },
  },
  {
    name: 'a task may be routed to another instance by an update',
    async run(store) {
      await store.tasks.insert([aTask('routed-run', 0, { target: 'i-1' })])
      const [task] = (await store.tasks.list({ runId: 'routed-run', limit: 1 })).items
      assert.deepEqual(await store.tasks.update([{ id: task!.id, expect: { state: [task!.state] }, set: { target: 'i-2' } }]), ['applied'])
      assert.equal((await store.tasks.get([task!.id]))[0]?.target, 'i-2')
    },
  },
  {
    name: 'a run is offered to an instance only while it is with the one that is expected; its routing stays as it was given',
    async run(store) {
      const routing = { labels: { gpu: 'true' }, where: 'load.cpu < 0.8', route: 'failover', instances: ['i-1', 'i-2'] } as const
      await store.runs.insert([aRun(0, { routing })])
      const move = (from: string | null, to: string | null) =>
        store.runs.update([{ id: runId(0), expect: { state: ['queued'], attempt: 1, owner: [null], target: from }, set: { target: to } }])
      assert.deepEqual(await move(null, 'i-1'), ['applied'])
      assert.deepEqual(await move(null, 'i-2'), ['refused'])
      assert.deepEqual(await move('i-2', null), ['refused'])
      assert.deepEqual(await move('i-1', 'i-2'), ['applied'])
      const [run] = await store.runs.heads([runId(0)])
      assert.deepEqual([run?.target, run?.routing], ['i-2', routing])
    },
  },
  {
    name: 'a change is applied only where state, attempt and owner are as expected',
    async run(store) {
      await store.runs.insert(EXPECTATIONS.map((_, n) => aRun(n, { state: 'running', attempt: 2, owner: 'i-1', wakeAt: START_AT + 5 })))
      const changes = EXPECTATIONS.map(([expect], n) => ({ id: runId(n), expect, set: { progress: { percent: n } } }))
      const outcomes = EXPECTATIONS.map(([, holds]): UpdateOutcome => (holds ? 'applied' : 'refused'))
      assert.deepEqual(await store.runs.update(changes), outcomes)
      const stored = await store.runs.get(changes.map((change) => change.id))
      const progress = outcomes.map((outcome, n) => (outcome === 'applied' ? { percent: n } : null))
      assert.deepEqual(
        stored.map((run) => run?.progress),
        progress,
      )
    },
  },
  {
    name: 'a bulk mixes columns and outcomes; only what is named changes',
    async run(store) {
      await store.runs.insert(range(5).map((n) => aRun(n)))
      const outcomes = await store.runs.update([
        aFinish(runId(4)),
        { id: runId(0), expect: { state: ['queued'] }, set: { state: 'running', owner: 'i-9', queuedAt: null, startedAt: START_AT } },
        { id: 'not-there-at-all', expect: { state: ['queued'] }, set: { state: 'running' } },
        { id: runId(1), expect: { state: ['running'] }, set: { state: 'cancelling' } },
        { id: runId(2), expect: { state: ['queued'] }, set: { error: { name: 'E', message: 'm' }, wakeAt: START_AT + 5 } },
        { id: runId(3), expect: { state: ['queued'] }, set: {} },
      ])
      assert.deepEqual(outcomes, ['applied', 'applied', 'refused', 'refused', 'applied', 'applied'])
      assert.deepEqual(await store.runs.get(range(5).map(runId)), [
        aRun(0, { state: 'running', owner: 'i-9', queuedAt: null, startedAt: START_AT }),
        aRun(1),
        aRun(2, { error: { name: 'E', message: 'm' }, wakeAt: START_AT + 5 }),
        aRun(3),
        aRun(4, aFinish('').set),
      ])
    },
  },
  {
    name: 'each run of a bulk gets its own values, also texts that look like expressions, and large ones',
    async run(store) {
      const texts = ['$state', '"$$ROOT"', '{"$literal":1}', 'null', null, `"${'x'.repeat(70_000)}"`]
      const changes = range(260).map((n) => {
        const set = {
          state: 'succeeded',
          queuedAt: null,
          endedAt: START_AT + (n % 7),
          result: n < 200 ? texts[n % texts.length]! : 'same',
          progress: n % 3 ? { percent: n % 100 } : null,
        } as const
        return { id: runId(n), expect: { state: ['queued', 'running'], owner: [null] }, set } as const
      })
      const owned = (n: number) => aRun(n, { owner: n % 50 === 9 ? 'i-9' : null, progress: { percent: 100 } })
      await store.runs.insert(range(260).map(owned))
      const outcomes = await store.runs.update(changes)
      for (const [n, outcome] of outcomes.entries()) assert.equal(outcome, n % 50 === 9 ? 'refused' : 'applied', `run ${n}`)
      const expected = range(260).map((n) => (n % 50 === 9 ? owned(n) : { ...owned(n), ...changes[n]!.set }))
      assert.deepEqual(await store.runs.get(range(260).map(runId)), expected)
    },
  },
  {
    name: 'several changes of one run in a bulk take effect in the order of the input',
    async run(store) {
      await store.runs.insert([aRun(1), aRun(2)])
      const started = { expect: { state: ['queued' as const] }, set: { state: 'running' as const, owner: 'i-1', queuedAt: null } }
      const ended = { expect: { state: ['running' as const], owner: ['i-1'] }, set: { state: 'succeeded' as const } }
      const outcomes = await store.runs.update([
        { id: runId(2), ...ended },
        { id: runId(1), ...started },
        { id: runId(1), ...ended },
        { id: runId(1), ...ended },
        { id: runId(2), ...started },
      ])
      assert.deepEqual(outcomes, ['refused', 'applied', 'applied', 'refused', 'applied'])
      assert.deepEqual(
        (await store.runs.get([runId(1), runId(2)])).map((run) => run?.state),
        ['succeeded', 'running'],
      )
    },
  },
  {
    name: 'a change to what is stored already is applied',
    async run(store) {
      await store.tasks.insert([aTask('run-1', 0)])
      const change = {
        id: taskIdOf('run-1', 0),
        expect: { state: ['queued' as const] },
        set: { queuedAt: START_AT, state: 'queued' as const },
      }
      assert.deepEqual(await store.tasks.update([change]), ['applied'])
      assert.deepEqual(await store.tasks.update([change]), ['applied'])
    },
  },
  {
    name: 'of 16 writers that end the same runs at once exactly one wins each',
    async run(store, context) {
      const stores = [store, await context.openAnother(), await context.openAnother(), await context.openAnother()]
      const ids = range(20).map(runId)
      await store.runs.insert(range(20).map((n) => aRun(n)))
      const outcomes = await Promise.all(
        range(16).map((writer) => {
          const changes = ids.map((id) => ({
            id,
            expect: { state: ['queued' as const] },
            set: { state: 'running' as const, owner: `i-${writer}` },
          }))
          return stores[writer % 4]!.runs.update(writer % 2 === 0 ? changes : changes.toReversed())
        }),
      )
      const stored = await store.runs.get(ids)
      const winners = ids.map((_, i) => range(16).filter((w) => outcomes[w]![w % 2 === 0 ? i : ids.length - 1 - i] === 'applied'))
      assert.deepEqual(
        winners,
        stored.map((run) => [Number(run?.owner?.slice(2))]),
      )
    },
  },
  {
    name: 'a chain of conditional writes of 16 writers loses no step',
    async run(store, context) {
      const stores = [store, await context.openAnother()]
      await store.runs.insert([aRun(1)])
      const applied = await Promise.all(
        range(16).map(async (writer) => {
          let steps = 0
          for (const attempt of range(10, 1)) {
            const [outcome] = await stores[writer % 2]!.runs.update([
              { id: runId(1), expect: { state: ['queued'], attempt }, set: { attempt: attempt + 1 } },
            ])
            if (outcome === 'applied') steps++
          }
          return steps
        }),
      )
      const [run] = await store.runs.get([runId(1)])
      assert.equal(
        applied.reduce((sum, steps) => sum + steps, 0),
        run!.attempt - 1,
      )
      assert.equal(run!.attempt, 11)
    },
  },
]
