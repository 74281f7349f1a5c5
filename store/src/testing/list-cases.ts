import assert from 'node:assert/strict'
import { RUN_STATES, type RunState, taskIdOf } from '@carillon/contracts'
import type { Due, ProgramTally, TaskQuery } from '../ports.ts'
import { SHARES } from '../shares.ts'
import { READ_PER_PAGE } from '../slice.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { allOf, range } from './pages.ts'
import { aRun, aStep, aTask, headOf, runId, START_AT, taskHeadOf } from './records.ts'

const ALL_SHARES = range(SHARES)

export const LIST_CASES: ConformanceCase[] = [
  {
    name: 'open runs and tasks are counted by the program that they are bound to, and by their state',
    async run(store) {
      const bound = (program: string) => ({ program, state: 'delayed' as const, queuedAt: null })
      const waits = { program: 'hello@v1', queuedAt: null, pinnedAt: START_AT + 5, refusedBy: { sessions: ['s-1', 's-2'], rounds: 1 } }
      await store.runs.insert([
        aRun(0),
        aRun(1, bound('hello@v1')),
        aRun(2, bound('hello@v1')),
        aRun(3, waits),
        aRun(4, { ...waits, pinnedAt: START_AT + 3 }),
        aRun(5, bound('hello@v2')),
        aRun(6, { ...bound('hello@v2'), namespace: 'other' }),
        aRun(7, { ...bound('hello@v3'), state: 'failed', endedAt: START_AT }),
      ])
      await store.tasks.insert([aTask('run-1', 0, bound('hello@v1'))])
      const sorted = async (tallies: Promise<ProgramTally[]>) =>
        (await tallies).map(({ program, state, count, pinnedAt }) => [program, state, count, pinnedAt].join(' ')).sort()
      assert.deepEqual(await sorted(store.runs.programs('default')), [
        'hello@v1 delayed 2 ',
        `hello@v1 queued 2 ${START_AT + 3}`,
        'hello@v2 delayed 1 ',
      ])
      assert.deepEqual(await sorted(store.tasks.programs('default')), ['hello@v1 delayed 1 '])
      assert.deepEqual((await store.runs.get([runId(3)]))[0], aRun(3, waits))
      const moved = { program: 'hello@v2', refusedBy: null }
      assert.deepEqual(await store.runs.update([{ id: runId(3), expect: { state: ['queued'] }, set: moved }]), ['applied'])
      assert.deepEqual(await sorted(store.runs.programs('default')), [
        'hello@v1 delayed 2 ',
        `hello@v1 queued 1 ${START_AT + 3}`,
        'hello@v2 delayed 1 ',
        `hello@v2 queued 1 ${START_AT + 5}`,
      ])
    },
  },
  {
    name: 'due: by wakeAt, inclusive, of the given shares only, up to the limit',
    async run(store) {
      const runs = range(200).map((n) =>
        aRun(n, { state: 'delayed', queuedAt: null, wakeAt: START_AT + ((n * 37) % 100), share: n % SHARES }),
      )
      await store.runs.insert([...runs, aRun(900)])
      const ids = (items: readonly { id: string }[]) => items.map((item) => item.id)
      const expected = (shares: number[]) =>
        ids(
          runs
            .filter((run) => run.wakeAt! <= START_AT + 50 && shares.includes(run.share))
            .toSorted((a, b) => a.wakeAt! - b.wakeAt! || (a.id < b.id ? -1 : 1)),
        )
      for (const shares of [ALL_SHARES, [0], [5, 63, 17], ALL_SHARES.slice(1)]) {
        assert.deepEqual(ids(await store.runs.due({ until: START_AT + 50, shares, limit: 1_000 })), expected(shares))
      }
      const first = await store.runs.due({ until: START_AT + 50, shares: ALL_SHARES, limit: 7 })
      assert.deepEqual(ids(first), expected(ALL_SHARES).slice(0, 7))
      assert.deepEqual(first[0], { id: runs[0]!.id, wakeAt: START_AT })
      assert.deepEqual(await store.runs.due({ until: START_AT - 1, shares: ALL_SHARES, limit: 10 }), [])
      // Many share a time: the page after it begins within them.
      const pages: string[] = []
      let after: Due | undefined
      do {
        const page = await store.runs.due({ until: START_AT + 50, shares: [0, 5, 63, 17], limit: 3, after })
        pages.push(...ids(page))
        after = page.at(-1)
      } while (after)
      assert.deepEqual(pages, expected([0, 5, 63, 17]))
    },
  },
  {
    name: 'due: what no longer has a wakeAt is gone from it',
    async run(store) {
      await store.tasks.insert([aTask('run-1', 0, { wakeAt: START_AT }), aTask('run-1', 1, { wakeAt: START_AT + 1 })])
      await store.tasks.update([{ id: taskIdOf('run-1', 0), expect: { state: ['queued'] }, set: { wakeAt: null } }])
      const due = await store.tasks.due({ until: START_AT + 10, shares: ALL_SHARES, limit: 10 })
      assert.deepEqual(due, [{ id: taskIdOf('run-1', 1), wakeAt: START_AT + 1 }])
    },
  },
  {
    name: 'ownedBy: running and cancelling of that owner and namespace, page by page',
    async run(store) {
      const owned = range(25).map((n) =>
        aRun(n, { state: n % 2 === 0 ? 'running' : 'cancelling', owner: 'i-1', queuedAt: null, wakeAt: START_AT + n }),
      )
      await store.runs.insert([
        ...owned,
        aRun(100, { state: 'running', owner: 'i-2' }),
        aRun(101, { state: 'running', owner: 'i-1', namespace: 'other' }),
        aRun(102, { state: 'succeeded', owner: 'i-1' }),
        aRun(103, { state: 'queued', owner: 'i-1' }),
      ])
      const read = (cursor: string | undefined) => store.runs.ownedBy({ namespace: 'default', owner: 'i-1', cursor, limit: 10 })
      assert.deepEqual(await allOf(read), owned.map(headOf))
    },
  },
  {
    name: 'queued: oldest first, from inclusive, before exclusive, page by page',
    async run(store) {
      const runs = range(30).map((n) => aRun(29 - n, { queuedAt: START_AT + Math.floor(n / 4) }))
      await store.runs.insert([...runs, aRun(100, { state: 'running', queuedAt: null })])
      const read = (cursor: string | undefined) => store.runs.queued({ from: START_AT + 1, before: START_AT + 6, cursor, limit: 3 })
      const expected = runs
        .filter((run) => run.queuedAt! >= START_AT + 1 && run.queuedAt! < START_AT + 6)
        .toSorted((a, b) => a.queuedAt! - b.queuedAt! || (a.id < b.id ? -1 : 1))
      assert.deepEqual(await allOf(read), expected.map(headOf))
      const tasks = range(5).map((n) => aTask('run-1', n, { queuedAt: START_AT + n, target: null }))
      await store.tasks.insert([...tasks, aTask('run-1', 9, { state: 'waiting', queuedAt: null })])
      const queuedTasks = await allOf((cursor) => store.tasks.queued({ from: 0, before: START_AT + 4, cursor, limit: 2 }))
      assert.deepEqual(queuedTasks, tasks.slice(0, 4).map(taskHeadOf))
    },
  },
  {
    name: 'children: of the tasks of one run and of its only task, by task, page by page',
    async run(store) {
      const parents = [runId(1), `${runId(1)}-n000g1`, `${runId(1)}-n001g1`, `${runId(1)}x-n000g1`, runId(2), null]
      const runs = range(30).map((n) => aRun(100 + n, { parentTask: parents[n % parents.length] ?? null }))
      await store.runs.insert(runs)
      const expected = parents.slice(0, 3).flatMap((parent) => runs.filter(({ parentTask }) => parentTask === parent))
      for (const limit of [2, 5, 100]) {
        const found = await allOf((cursor) => store.runs.children({ of: runId(1), cursor, limit }))
        assert.deepEqual(found, expected.map(headOf))
      }
      assert.deepEqual((await store.runs.children({ of: runId(9), limit: 10 })).items, [])
    },
  },
  {
    name: 'endedChildren: those that have a parent, from a time on, by the time of their end, page by page',
    async run(store) {
      const ended = (n: number) => ({ state: 'succeeded', queuedAt: null, endedAt: START_AT + (n % 7) }) as const
      const parentOf = (n: number) => (n % 3 === 0 ? null : `${runId(1)}-n000g${n}`)
      const runs = range(30).map((n) => aRun(100 + n, { ...ended(n), parentTask: parentOf(n) }))
      await store.runs.insert([...runs, aRun(200, { parentTask: runId(2) })])
      const expected = runs
        .filter(({ parentTask, endedAt }) => parentTask !== null && (endedAt ?? 0) >= START_AT + 3)
        .toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0) || (a.id < b.id ? -1 : 1))
      for (const limit of [2, 5, 100]) {
        const found = await allOf((cursor) => store.runs.endedChildren({ from: START_AT + 3, cursor, limit }))
        assert.deepEqual(found, expected.map(headOf))
      }
      assert.deepEqual((await store.runs.endedChildren({ from: START_AT + 7, limit: 10 })).items, [])
    },
  },
  {
    name: 'queuedCount: those that are queued, before exclusive',
    async run(store) {
      assert.equal(await store.runs.queuedCount({ before: START_AT + 10 }), 0)
      await store.runs.insert(range(30).map((n) => aRun(n, { queuedAt: START_AT + n })))
      await store.runs.update([{ id: aRun(0).id, expect: { state: ['queued'] }, set: { state: 'running', queuedAt: null } }])
      await store.tasks.insert(range(5).map((n) => aTask('run-1', n, { queuedAt: START_AT + n })))
      assert.equal(await store.runs.queuedCount({ before: START_AT + 10 }), 9)
      assert.equal(await store.tasks.queuedCount({ before: START_AT + 3 }), 3)
    },
  },
  {
    name: 'list: newest first, by namespace, job and state',
    async run(store) {
      const job = (n: number) => (n % 3 === 0 ? 'report' : null)
      const runs = range(90).map((n) =>
        aRun(n, { state: RUN_STATES[n % RUN_STATES.length]!, job: job(n), createdAt: START_AT + Math.floor(n / 5) }),
      )
      await store.runs.insert([...runs, aRun(500, { namespace: 'other' })])
      const newest = runs.toReversed().map(headOf)
      const read = ({ state, ...filter }: { job?: string; state?: RunState }) =>
        allOf((cursor) => store.runs.list({ namespace: 'default', ...filter, states: state && [state], cursor, limit: 4 }))
      assert.deepEqual(await read({}), newest)
      assert.deepEqual(
        await read({ job: 'report' }),
        newest.filter((run) => run.job === 'report'),
      )
      for (const state of RUN_STATES) {
        assert.deepEqual(
          await read({ state }),
          newest.filter((run) => run.state === state),
          state,
        )
      }
      for (const state of RUN_STATES) {
        assert.deepEqual(
          await read({ job: 'report', state }),
          newest.filter((run) => run.job === 'report' && run.state === state),
          state,
        )
      }
      assert.deepEqual(await read({ job: 'nothing' }), [])
    },
  },
  {
    name: 'list: a page of rare handlers reads a limited number of runs and leads on',
    async run(store) {
      const handler = (n: number) => (n % 4_000 === 1 ? 'rare' : 'hello')
      await store.runs.insert(
        range(READ_PER_PAGE * 2 + 1).map((n) => aRun(n, { handler: handler(n), createdAt: START_AT + Math.floor(n / 7) })),
      )
      const pages: string[][] = []
      let cursor: string | undefined
      do {
        const slice = await store.runs.list({ namespace: 'default', handlers: ['rare'], limit: 10, cursor })
        pages.push(slice.items.map(({ id }) => id))
        cursor = slice.cursor
      } while (cursor !== undefined)
      assert.deepEqual(pages, [[runId(8_001)], [runId(4_001), runId(1)], []])
    },
  },
  {
    name: 'list: a page that ends exactly at the end has no cursor',
    async run(store) {
      await store.runs.insert(range(4).map((n) => aRun(n)))
      assert.equal((await store.runs.list({ namespace: 'default', limit: 4 })).cursor, undefined)
      assert.equal(typeof (await store.runs.list({ namespace: 'default', limit: 3 })).cursor, 'string')
    },
  },
  {
    name: 'list: pages are stable and without duplicates while others insert',
    async run(store) {
      await store.runs.insert(range(60).map((n) => aRun(n)))
      let newcomer = 100
      const read = (cursor: string | undefined) => store.runs.list({ namespace: 'default', cursor, limit: 7 })
      const seen = await allOf(read, async () => {
        await store.runs.insert([aRun(newcomer++), aRun(newcomer++)])
      })
      assert.deepEqual(
        seen.map((run) => run.id),
        range(60).map(runId).toReversed(),
      )
    },
  },
  {
    name: 'steps: those of a task, in order, and each once',
    async run(store) {
      const steps = range(12).map((index) => aStep('run-1', index, { result: String(index) }))
      await store.steps.insert(steps.toReversed())
      await store.steps.insert([aStep('run-10', 0), aStep('run-1-00000', 0), aStep('run-0', 0)])
      assert.deepEqual(await store.steps.insert([aStep('run-1', 3, { result: '"other"' }), aStep('run-1', 12)]), ['duplicate', 'created'])
      const read = (cursor: string | undefined) => store.steps.list({ taskId: 'run-1', cursor, limit: 5 })
      assert.deepEqual(await allOf(read), [...steps, aStep('run-1', 12)])
      assert.deepEqual(await store.steps.get([steps[3]!.id, 'none']), [steps[3], undefined])
    },
  },
  {
    name: 'tasks: leaves by rank, within a range of ids',
    async run(store) {
      const tasks = range(9).map((index) => aTask('run-1', index, { name: 'leaf', mapped: index === 0 ? 1 : 0, state: 'succeeded' }))
      await store.tasks.insert([...tasks.toReversed(), aTask('run-1', 9), aTask('run-2', 0, { state: 'succeeded' })])
      const leafAt = (rank: number, query: Partial<TaskQuery> = {}) => store.tasks.leafAt({ runId: 'run-1', ...query, rank })
      assert.equal(await leafAt(0), tasks[1]?.id)
      assert.equal(await leafAt(7), tasks[8]?.id)
      assert.equal(await leafAt(8), undefined)
      assert.equal(await leafAt(1, { from: tasks[4]?.id }), tasks[5]?.id)
      const slice = { runId: 'run-1', state: 'succeeded', isLeaf: true, from: tasks[3]?.id, before: tasks[6]?.id } as const
      assert.deepEqual(await allOf((cursor) => store.tasks.listWhole({ ...slice, cursor, limit: 2 })), tasks.slice(3, 6))
      assert.deepEqual(await store.tasks.update([{ id: tasks[4]!.id, expect: { state: ['succeeded'] }, set: { mapped: 1 } }]), ['applied'])
      assert.equal(await leafAt(3), tasks[5]?.id)
      assert.equal(await store.tasks.countUpTo({ runId: 'run-1', states: ['succeeded'], before: tasks[2]?.id, atMost: 9 }), 2)
    },
  },
  {
    name: 'tasks: the slowest that have ended, longest first',
    async run(store) {
      const took = [5, 90, 30, 90, 1]
      const tasks = took.map((ms, index) => aTask('run-1', index, { state: 'succeeded', startedAt: START_AT, endedAt: START_AT + ms }))
      await store.tasks.insert([...tasks, aTask('run-1', 9, { state: 'running', startedAt: START_AT }), aTask('run-1', 10)])
      const slowest = await store.tasks.slowest({ runId: 'run-1', limit: 3 })
      assert.deepEqual(slowest, [tasks[1]!, tasks[3]!, tasks[2]!].map(taskHeadOf))
      assert.deepEqual(await store.tasks.slowest({ runId: 'run-unknown', limit: 3 }), [])
    },
  },
  {
    name: 'tasks: list by id beyond 9, page by page; count, up to a limit and all',
    async run(store) {
      const tasks = range(23).map((index) => aTask('run-1', index, { state: index < 20 ? 'queued' : 'succeeded' }))
      await store.tasks.insert([...tasks.toReversed(), aTask('run-10', 0), aTask('run-2', 0)])
      const read = (cursor: string | undefined) => store.tasks.listWhole({ runId: 'run-1', cursor, limit: 5 })
      assert.deepEqual(await allOf(read), tasks)
      const ended = (cursor: string | undefined) => store.tasks.list({ runId: 'run-1', state: 'succeeded', cursor, limit: 2 })
      assert.deepEqual(await allOf(ended), tasks.slice(20).map(taskHeadOf))
      const count = (states: readonly RunState[], atMost: number) => store.tasks.countUpTo({ runId: 'run-1', states, atMost })
      assert.deepEqual(await Promise.all([count(['queued'], 7), count(['queued', 'succeeded'], 99), count(['failed'], 1)]), [7, 23, 0])
      const sorted = <Kind extends { count: number }>(kinds: Kind[]) => kinds.sort((one, other) => other.count - one.count)
      assert.deepEqual(sorted(await store.tasks.tally({ runId: 'run-1' })), [
        { mapped: 0, state: 'queued', count: 20 },
        { mapped: 0, state: 'succeeded', count: 3 },
      ])
      assert.deepEqual(sorted(await store.tasks.tally({ runId: 'run-1', from: tasks[1]?.id, before: tasks[21]?.id })), [
        { mapped: 0, state: 'queued', count: 19 },
        { mapped: 0, state: 'succeeded', count: 1 },
      ])
      assert.deepEqual(sorted(await store.tasks.names('run-1')), [
        { name: null, state: 'queued', count: 20 },
        { name: null, state: 'succeeded', count: 3 },
      ])
      assert.deepEqual([await store.tasks.tally({ runId: 'run-0' }), await store.tasks.names('run-0')], [[], []])
      const owned = { namespace: 'default', owner: 'i-7', limit: 10 }
      await store.tasks.update([
        { id: taskIdOf('run-1', 7), expect: { state: ['queued'] }, set: { state: 'running', owner: 'i-7', wakeAt: START_AT } },
      ])
      assert.deepEqual(
        (await store.tasks.ownedBy(owned)).items.map((task) => task.id),
        [taskIdOf('run-1', 7)],
      )
    },
  },
  {
    name: 'tasks: those of a state page by page, where all that follow are in it and where few are',
    async run(store) {
      const stateOf = (n: number) => (n < 250 || n % 10 === 0 ? ('queued' as const) : ('succeeded' as const))
      const tasks = range(700).map((n) => aTask('run-1', n, { state: stateOf(n), queuedAt: n, mapped: n % 5 ? 0 : 1 }))
      await store.tasks.insert([...tasks, ...range(60).map((n) => aTask('run-2', n)), aTask('run-0', 1)])
      const query = { runId: 'run-1', state: 'queued', limit: 60 } as const
      const queued = tasks.filter(({ state }) => state === 'queued')
      assert.deepEqual(await allOf((cursor) => store.tasks.list({ ...query, cursor })), queued.map(taskHeadOf))
      const { id: from } = tasks[100]!
      const { id: before } = tasks[600]!
      const inside = queued.filter(({ id, mapped }) => id >= from && id < before && mapped === 0)
      const part = { ...query, from, before, isLeaf: true } as const
      assert.deepEqual(await allOf((cursor) => store.tasks.list({ ...part, cursor })), inside.map(taskHeadOf))
      assert.deepEqual(await allOf((cursor) => store.tasks.listWhole({ ...part, cursor, maxBytes: 100_000 })), inside)
    },
  },
]
