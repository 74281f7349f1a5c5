import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createTestLog, exerciseService, FakeClock, settle } from '@carillon/runtime/testing'
import { type CoordinatorRecord, openStore, type Store } from '@carillon/store'
import { Membership } from './membership.ts'

async function memoryStore(context: TestContext): Promise<Store> {
  const store = await openStore('sqlite::memory:')
  context.after(() => store.close())
  return store
}

interface Member {
  readonly membership: Membership
  readonly clock: FakeClock
  readonly buried: CoordinatorRecord[]
}

/** Each member has a clock of its own, which may be hours away from the others. */
function join(context: TestContext, store: Store, options: { id: string; skewMs?: number; takeOver?: () => Promise<void> }): Member {
  const clock = new FakeClock(1_767_225_600_000 + (options.skewMs ?? 0))
  const buried: CoordinatorRecord[] = []
  const membership = new Membership({
    id: options.id,
    store,
    clock,
    log: createTestLog().log,
    publishedBefore: () => clock.now() - 7,
    takeOver: async (dead) => {
      buried.push(dead)
      await options.takeOver?.()
    },
  })
  context.after(() => membership.stop())
  return { membership, clock, buried }
}

/** Seconds pass for all of them, one after another. */
async function pass(seconds: number, ...members: Member[]): Promise<void> {
  for (let i = 0; i < 2 * seconds; i++) for (const { clock } of members) await clock.advance(500)
}

const split = (...members: Member[]) => members.map(({ membership }) => membership.shares.length)

test('alone it is responsible for everything; when start resolves, it is known', async (context) => {
  const store = await memoryStore(context)
  const a = join(context, store, { id: 'a' })
  assert.equal(a.membership.shares.length, 64)
  await a.membership.start()
  const beat = (await store.coordinators.list())[0]
  assert.deepEqual(beat, { id: 'a', beat: 1, publishedBefore: a.clock.now() - 7 })
  await pass(3, a)
  assert.equal((await store.coordinators.list())[0]?.beat, 7)
})

test('live members split the shares without overlap, whatever their clocks say', async (context) => {
  const store = await memoryStore(context)
  const members = [
    join(context, store, { id: 'a' }),
    join(context, store, { id: 'b', skewMs: 3_600_000 }),
    join(context, store, { id: 'c', skewMs: -3_600_000 }),
  ]
  for (const { membership } of members) await membership.start()
  await pass(20, ...members)
  assert.deepEqual(
    members.flatMap(({ membership }) => membership.shares).sort((x, y) => x - y),
    Array.from({ length: 64 }, (_, share) => share),
  )
  assert.ok(members.every(({ buried }) => buried.length === 0))
})

test('one that leaves says goodbye, and its shares move at once', async (context) => {
  const store = await memoryStore(context)
  const [a, b] = [join(context, store, { id: 'a' }), join(context, store, { id: 'b' })]
  await a.membership.start()
  await b.membership.start()
  await pass(2, a, b)
  await b.membership.stop()
  await pass(1, a)
  assert.deepEqual([split(a), a.buried.length], [[64], 0])
})

test('one whose record stands still is dead: taken over once, and removed', async (context) => {
  const store = await memoryStore(context)
  const a = join(context, store, { id: 'a' })
  await a.membership.start()
  await store.coordinators.put({ id: 'dead', beat: 9, publishedBefore: 1_234 })
  await pass(1, a)
  assert.ok((split(a)[0] ?? 0) < 64)
  await pass(1, a)
  assert.equal(a.buried.length, 0)
  await pass(2, a)
  assert.deepEqual(a.buried, [{ id: 'dead', beat: 9, publishedBefore: 1_234 }])
  assert.deepEqual(split(a), [64])
  assert.deepEqual(
    (await store.coordinators.list()).map(({ id }) => id),
    ['a'],
  )
})

test('a take-over that takes long holds no beat back, and is not begun twice; stop waits for it', async (context) => {
  const store = await memoryStore(context)
  let release: () => void = () => undefined
  const takeOver = () =>
    new Promise<void>((resolve) => {
      release = resolve
    })
  const a = join(context, store, { id: 'a', takeOver })
  await store.coordinators.put({ id: 'dead', beat: 9, publishedBefore: 0 })
  await a.membership.start()
  await pass(30, a)
  assert.equal(a.buried.length, 1)
  assert.equal((await store.coordinators.list()).find(({ id }) => id === 'a')?.beat, 61)
  assert.deepEqual(split(a), [64])
  let stopped = false
  const stopping = a.membership.stop().then(() => {
    stopped = true
  })
  await settle()
  assert.equal(stopped, false)
  release()
  await stopping
  assert.deepEqual(await store.coordinators.list(), [])
})

test('a take-over that fails is tried again', async (context) => {
  const store = await memoryStore(context)
  let failures = 2
  const a = join(context, store, {
    id: 'a',
    takeOver: async () => {
      if (failures-- > 0) throw new Error('the broker is away')
    },
  })
  await store.coordinators.put({ id: 'dead', beat: 9, publishedBefore: 0 })
  await a.membership.start()
  await pass(10, a)
  assert.equal(a.buried.length, 3)
  assert.equal((await store.coordinators.list()).length, 1)
})

test('a store that is away at the start fails the start; later it is tried again', async (context) => {
  const store = await memoryStore(context)
  const put = store.coordinators.put.bind(store.coordinators)
  store.coordinators.put = () => Promise.reject(new Error('away'))
  const a = join(context, store, { id: 'a' })
  await assert.rejects(a.membership.start(), /away/)
  store.coordinators.put = put
  await a.membership.start()
  store.coordinators.put = () => Promise.reject(new Error('away'))
  await pass(3, a)
  store.coordinators.put = put
  await pass(1, a)
  assert.equal((await store.coordinators.list()).length, 1)
})

test('membership keeps the contract of services, and leaves no record', async (context) => {
  const store = await memoryStore(context)
  const a = join(context, store, { id: 'a' })
  await exerciseService(a.membership, { isActive: async () => a.clock.armed > 0 || (await store.coordinators.list()).length > 0 })
})

test('a death is missed by those that are left until someone takes the place; one that leaves in order is not', async (context) => {
  const store = await memoryStore(context)
  const [a, b, c] = ['a', 'b', 'c'].map((id) => join(context, store, { id })) as [Member, Member, Member]
  for (const { membership } of [a, b, c]) await membership.start()
  await pass(3, a, b, c)
  const missed = (...members: Member[]) => members.map(({ membership }) => membership.counts)
  assert.deepEqual(missed(a, b), [
    { live: 3, missing: 0 },
    { live: 3, missing: 0 },
  ])
  await pass(8, a, b)
  assert.deepEqual(missed(a, b), [
    { live: 2, missing: 1 },
    { live: 2, missing: 1 },
  ])
  const d = join(context, store, { id: 'd' })
  await d.membership.start()
  await pass(2, a, b, d)
  assert.deepEqual(
    missed(a, b, d).map(({ missing }) => missing),
    [0, 0, 0],
  )
  await d.membership.stop()
  await pass(8, a, b)
  assert.deepEqual(missed(a, b), [
    { live: 2, missing: 0 },
    { live: 2, missing: 0 },
  ])
})

test('one that comes after all have died takes one place of theirs', async (context) => {
  const store = await memoryStore(context)
  for (const id of ['a', 'b']) await store.coordinators.put({ id, beat: 5, publishedBefore: 0 })
  const c = join(context, store, { id: 'c' })
  await c.membership.start()
  await pass(8, c)
  assert.deepEqual(c.membership.counts, { live: 1, missing: 1 })
})
