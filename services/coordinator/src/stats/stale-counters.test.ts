// Coordinators that count, and stand still or are killed at the worst moment while another one counts, too.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createTestLog, FakeClock, signal } from '@carillon/runtime/testing'
import { openStore, type RunRecord, type StatsStore } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { FakeStream, statsWith } from '../testing/count-world.ts'
import { Random } from '../testing/simulation/random.ts'
import { CountEnds } from './count-ends.ts'
import { MARK_ID, markOf } from './rules/mark.ts'
import { factsOfRun } from './rules/recount.ts'

const NEVER = new AbortController().signal
const AT = Date.parse('2026-11-27T10:00:00Z')

/** One sequence after another, and each page is everything that there is, but for `pageEnds`. */
class PlainStream extends FakeStream {
  pageEnds = Number.POSITIVE_INFINITY
  /** What happens once, before a page is read or behind it. */
  beforePage: (() => Promise<void>) | undefined
  afterPage: (() => Promise<void>) | undefined
  first = 1

  constructor() {
    super(new Random(1))
  }

  override add(end: Parameters<FakeStream['add']>[0]): void {
    this.ends.push({ ...end, sequence: ++this.last })
  }

  override async state() {
    return { ...(await super.state()), first: this.first }
  }

  override page(query: { after: number; last: number }) {
    return this.wholePage(query)
  }

  override async wholePage({ after, last }: { after: number; last: number }) {
    const [before, behind] = [this.beforePage, this.afterPage]
    this.beforePage = undefined
    await before?.()
    const rest = this.ends.filter(({ sequence }) => sequence > after)
    const ends = rest.slice(0, this.pageEnds)
    const end = ends.at(-1)
    if (behind) {
      this.afterPage = undefined
      await behind()
    }
    const isAll = ends.length === rest.length
    return { ends, changes: [], upTo: isAll ? last : (end?.sequence ?? last), moreAt: isAll ? undefined : end?.at }
  }
}

async function world(t: TestContext) {
  const store = await openStore('sqlite::memory:')
  t.after(() => store.close())
  const clock = new FakeClock(AT + 30_000)
  const stream = new PlainStream()
  let made = 0
  const add = (run: RunRecord) => {
    const end = factsOfRun(run)
    assert.ok(end)
    stream.add(end)
  }
  const ended = (id: number, endedAt: number) => {
    const times = { createdAt: AT - 1_000, firstStartedAt: endedAt - 10, startedAt: endedAt - 10, endedAt }
    return aRun(id, { id: `run-${id}`, state: 'succeeded', reason: 'completed', ...times, queuedAt: null, wakeAt: null })
  }
  return {
    ...{ store, clock, stream, add, ended, made: () => made },
    counter: (stats: Partial<Pick<StatsStore, 'get' | 'put'>> = {}) =>
      new CountEnds({
        ...{ events: stream, store: { ...store, stats: statsWith(store.stats, stats) } },
        ...{ shares: () => [0], clock, log: createTestLog().log },
      }),
    /** Runs end now, are stored, and their events are published. */
    live: async (count = 1) => {
      for (let i = 0; i < count; i++) {
        const run = ended(made++, clock.now())
        await store.runs.insert([run])
        add(run)
      }
    },
    mark: async () => {
      const [record] = await store.stats.get([MARK_ID])
      return record && markOf(record)
    },
    counted: async () => {
      const minutes = await store.stats.series({ namespace: 'default', scope: '*', level: 'minute', from: 0, before: AT * 2 })
      return minutes.reduce((sum, minute) => sum + minute.ended, 0)
    },
  }
}

/** The first write of the mark is held up until it is released. */
function heldUp(stats: StatsStore) {
  const [standing, released] = [signal(), signal()]
  let isArmed = true
  const put: StatsStore['put'] = async (changes) => {
    if (isArmed && changes[0]?.rollup.id === MARK_ID) {
      isArmed = false
      standing.fire()
      await released.fired
    }
    return stats.put(changes)
  }
  return { put, standing: standing.fired, release: () => released.fire() }
}

test('what another coordinator counts between two reads is no loss', async (t) => {
  const { counter, live, store, mark, counted } = await world(t)
  await live()
  let before: (() => Promise<void>) | undefined
  const slow = counter({
    get: async (ids) => {
      const first = ids[0] === MARK_ID ? before : undefined
      if (first) before = undefined
      await first?.()
      return store.stats.get(ids)
    },
  })
  await slow.round(NEVER)
  const quick = counter()
  before = async () => {
    await live()
    await quick.round(NEVER)
  }
  await slow.round(NEVER)
  assert.deepEqual([(await mark())?.isOwed, await counted()], [false, 2])
})

test('a coordinator that notices a loss long after another one has recounted it changes nothing', async (t) => {
  const { counter, live, store, stream, clock, counted, made } = await world(t)
  await live(3)
  await counter().round(NEVER)
  const [first] = stream.ends
  assert.ok(first)
  stream.restore([first], first.sequence)
  const seen = await stream.state()
  await live()
  const slow = heldUp(store.stats)
  const late = counter({ put: slow.put }).round(NEVER)
  await slow.standing
  // The other one has looked a moment earlier.
  const { state } = stream
  stream.state = async () => seen
  await counter().round(NEVER)
  stream.state = state
  await clock.advance(70_000)
  await live()
  let marks = 0
  const killed = counter({
    put: async (changes) => {
      if (changes[0]?.rollup.id === MARK_ID && marks++ === 1) throw new Error('killed')
      return store.stats.put(changes)
    },
  })
  await assert.rejects(killed.round(NEVER), /killed/)
  slow.release()
  await late
  for (let i = 0; i < 3; i++) {
    await live()
    await clock.advance(70_000)
    await counter().round(NEVER)
  }
  assert.equal(await counted(), made())
})

test('an end that is stored half a minute after it was decided, and the broker was wiped meanwhile, is counted', async (t) => {
  const { counter, store, stream, clock, ended, add, counted } = await world(t)
  const one = counter()
  await one.round(NEVER)
  const run = ended(1, clock.now())
  stream.wipe()
  await one.round(NEVER)
  await clock.advance(30_000)
  await one.round(NEVER)
  await store.runs.insert([run])
  add(run)
  for (let i = 0; i < 3; i++) {
    await clock.advance(40_000)
    await one.round(NEVER)
  }
  assert.equal(await counted(), 1)
})

for (const when of ['beforePage', 'afterPage'] as const)
  test(`a stream that is restored and has grown again while a coordinator stands still has lost events: ${when}`, async (t) => {
    const { counter, live, stream, clock, counted, made } = await world(t)
    await live(5)
    const one = counter()
    await one.round(NEVER)
    await live(5)
    stream[when] = async () => {
      const older = stream.ends.slice(0, 3)
      stream.restore(older, 3)
      await live(20)
    }
    await one.round(NEVER)
    for (let i = 0; i < 3; i++) {
      await clock.advance(70_000)
      await one.round(NEVER)
    }
    assert.equal(await counted(), made())
  })

test('what the broker drops between two pages of a round is counted from the runs', async (t) => {
  const { counter, live, stream, clock, counted, made } = await world(t)
  const one = counter()
  await one.round(NEVER)
  await live(200)
  stream.pageEnds = 40
  stream.afterPage = async () => {
    stream.beforePage = async () => {
      stream.ends.splice(0, 100)
      stream.first = 101
    }
  }
  await one.round(NEVER)
  for (let i = 0; i < 3; i++) {
    await clock.advance(70_000)
    await one.round(NEVER)
  }
  assert.equal(await counted(), made())
})
