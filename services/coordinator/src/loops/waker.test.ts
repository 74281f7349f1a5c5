import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createTestLog, exerciseService, FakeClock, settle } from '@carillon/runtime/testing'
import { openStore, type RunRecord, type Store } from '@carillon/store'
import { aJob, aRun, aTask } from '@carillon/store/testing'
import type { WakeKind } from '../ports.ts'
import { Waker } from './waker.ts'

const ALL = Array.from({ length: 64 }, (_, share) => share)

interface Woken {
  readonly kind: WakeKind
  readonly id: string
  readonly at: number
}

/** What is woken is moved on, as use cases do it. */
async function createWaker(context: TestContext, options: { shares?: number[]; handle?: (kind: WakeKind) => void } = {}) {
  const clock = new FakeClock()
  const store = await openStore('sqlite::memory:')
  context.after(() => store.close())
  const { log, lines } = createTestLog()
  const woken: Woken[] = []
  const batches: number[] = []
  const wake = (kind: WakeKind) => async (ids: readonly string[]) => {
    if (ids.length === 0) return
    options.handle?.(kind)
    batches.push(ids.length)
    for (const id of ids) woken.push({ kind, id, at: clock.now() })
    await moveOn(store, kind, ids)
  }
  const handlers = { jobs: wake('jobs'), runs: wake('runs'), tasks: wake('tasks'), gates: wake('gates'), signals: wake('signals') }
  const waker = new Waker({ sources: store, clock, log, shares: () => options.shares ?? ALL, handlers })
  context.after(() => waker.stop())
  return { clock, store, waker, woken, batches, lines }
}

async function moveOn(store: Store, kind: WakeKind, ids: readonly string[]): Promise<void> {
  if (kind === 'jobs') {
    const jobs = await store.jobs.get(ids)
    await store.jobs.advance(
      jobs.flatMap((job) =>
        job?.nextSlotAt
          ? [
              {
                id: job.id,
                expect: { revision: 1, nextSlotAt: job.nextSlotAt, awaits: null },
                set: { nextSlotAt: null, wakeAt: null, state: 'finished', awaits: null, chosenSlotAt: null } as const,
              },
            ]
          : [],
      ),
    )
  } else if (kind === 'gates') {
    for (const gate of await store.gates.get(ids)) if (gate) await store.gates.remove([gate])
  } else if (kind === 'signals') await store.signals.remove(ids)
  else await store[kind].update(ids.map((id) => ({ id, expect: { state: ['delayed'] }, set: { wakeAt: null } })))
}

const delayed = (n: number, wakeAt: number): RunRecord => aRun(n, { state: 'delayed', queuedAt: null, wakeAt })

test('what is stored is woken on its millisecond, never before, each kind by its handler', async (context) => {
  const { clock, store, waker, woken } = await createWaker(context)
  const now = clock.now()
  await store.jobs.insert(aJob('a', { nextSlotAt: now + 7_301 }))
  await store.runs.insert([delayed(1, now + 2_999), delayed(2, now + 12_345)])
  await store.tasks.insert([aTask('run-1', 0, { state: 'delayed', wakeAt: now + 2_999 })])
  await waker.start()
  await clock.advance(20_000)
  assert.deepEqual(
    woken.map(({ kind, id, at }) => [kind, id, at - now]),
    [
      ['runs', 'run0000000000001', 2_999],
      ['tasks', 'run-1-00000', 2_999],
      ['jobs', 'default/a', 7_301],
      ['runs', 'run0000000000002', 12_345],
    ],
  )
})

test('what is created between two scans is armed from memory, what lies far ahead is left to the scan', async (context) => {
  const { clock, store, waker, woken } = await createWaker(context)
  await waker.start()
  await settle()
  const armed = clock.armed
  const [near, far] = [delayed(1, clock.now() + 250), delayed(2, clock.now() + 60 * 86_400_000)]
  await store.runs.insert([near, far])
  waker.arm('runs', { id: near.id, wakeAt: near.wakeAt as number })
  waker.arm('runs', { id: far.id, wakeAt: far.wakeAt as number })
  assert.equal(clock.armed, armed + 1)
  await clock.advance(249)
  assert.equal(woken.length, 0)
  await clock.advance(1)
  assert.deepEqual([woken.length, woken[0]?.id], [1, near.id])
})

test('things of one instant are one batch', async (context) => {
  const { clock, waker, batches, store } = await createWaker(context)
  const runs = Array.from({ length: 300 }, (_, n) => delayed(n, clock.now() + 500))
  await store.runs.insert(runs)
  await waker.start()
  await clock.advance(500)
  assert.deepEqual(batches, [300])
})

test('after a long downtime thousands that are overdue are taken page by page, without starving the process', async (context) => {
  const { clock, store, waker, woken, batches } = await createWaker(context)
  const count = 4_500
  await store.runs.insert(Array.from({ length: count }, (_, n) => delayed(n, clock.now() - 1_000)))
  await waker.start()
  await clock.advance(50)
  assert.equal(new Set(woken.map(({ id }) => id)).size, count)
  assert.ok(batches.every((size) => size <= 500))
})

test('more than a page due in the next seconds are all woken in time', async (context) => {
  const { clock, store, waker, woken } = await createWaker(context)
  const now = clock.now()
  await store.runs.insert(Array.from({ length: 4_500 }, (_, n) => delayed(n, now + 100 + (n % 3))))
  await waker.start()
  await clock.advance(120)
  assert.equal(new Set(woken.map(({ id }) => id)).size, 4_500)
  assert.ok(woken.every(({ at }) => at >= now + 100 && at <= now + 110))
})

test('a handler that fails is tried again with the next scan, and disturbs no other', async (context) => {
  let failures = 2
  const handle = (kind: WakeKind) => {
    if (kind === 'runs' && failures-- > 0) throw new Error('the store is away')
  }
  const { clock, store, waker, woken, lines } = await createWaker(context, { handle })
  await store.runs.insert([delayed(1, clock.now() + 10)])
  await store.jobs.insert(aJob('a', { nextSlotAt: clock.now() + 10 }))
  await waker.start()
  await clock.advance(10)
  assert.deepEqual(
    woken.map(({ kind }) => kind),
    ['jobs'],
  )
  await clock.advance(5_000)
  assert.deepEqual(
    woken.map(({ kind }) => kind),
    ['jobs', 'runs'],
  )
  assert.equal(lines.filter(({ evt }) => evt === 'waker.failed').length, 2)
})

test('a store that is away is read again', async (context) => {
  const { clock, store, waker, woken, lines } = await createWaker(context)
  const due = store.runs.due.bind(store.runs)
  store.runs.due = () => Promise.reject(new Error('away'))
  await store.runs.insert([delayed(1, clock.now())])
  await waker.start()
  await clock.advance(3_000)
  store.runs.due = due
  await clock.advance(1_000)
  assert.equal(woken.length, 1)
  assert.ok(lines.some(({ evt }) => evt === 'waker.scan-failed'))
})

test('only its own shares are scanned', async (context) => {
  const { clock, store, waker, woken } = await createWaker(context, { shares: [5] })
  await store.runs.insert([
    { ...delayed(1, clock.now()), share: 5 },
    { ...delayed(2, clock.now()), share: 6 },
  ])
  await waker.start()
  await clock.advance(2_000)
  assert.deepEqual(
    woken.map(({ id }) => id),
    ['run0000000000001'],
  )
})

test('when the clock is set back nothing fires early, and no timer spins', async (context) => {
  const { clock, store, waker, woken } = await createWaker(context)
  const wakeAt = clock.now() + 1_000
  await store.runs.insert([delayed(1, wakeAt)])
  await waker.start()
  await settle()
  clock.set(clock.now() - 3_600_000)
  let timers = 0
  const after = clock.after.bind(clock)
  clock.after = (delayMs, callback) => {
    timers++
    return after(delayMs, callback)
  }
  await clock.advance(60_000)
  assert.equal(woken.length, 0)
  assert.ok(timers < 100, `${timers} timers in a minute`)
  await clock.advance(3_600_000)
  assert.equal(woken[0]?.at, wakeAt)
})

test('a waker keeps the contract of services; stopped, it arms nothing', async (context) => {
  const { clock, store, waker } = await createWaker(context)
  await store.runs.insert([delayed(1, clock.now() + 2_000)])
  await exerciseService(waker, { isActive: () => clock.armed > 0 })
  waker.arm('runs', { id: 'x', wakeAt: clock.now() })
  assert.equal(clock.armed, 0)
})

test('stop waits for what is being handled', async (context) => {
  let release: () => void = () => undefined
  const clock = new FakeClock()
  const store = await openStore('sqlite::memory:')
  context.after(() => store.close())
  await store.runs.insert([delayed(1, clock.now() + 5)])
  const runs = () =>
    new Promise<void>((resolve) => {
      release = resolve
    })
  const handlers = {
    jobs: async () => undefined,
    tasks: async () => undefined,
    gates: async () => undefined,
    signals: async () => undefined,
    runs,
  }
  const waker = new Waker({ sources: store, clock, log: createTestLog().log, shares: () => ALL, handlers })
  await waker.start()
  await clock.advance(5)
  let stopped = false
  const stopping = waker.stop().then(() => {
    stopped = true
  })
  await settle()
  assert.equal(stopped, false)
  release()
  await stopping
})
