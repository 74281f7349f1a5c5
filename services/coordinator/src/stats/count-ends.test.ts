import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { createTestLog, exerciseService, FakeClock } from '@carillon/runtime/testing'
import { openStore, type RollupRecord, type StatsStore } from '@carillon/store'
import { Random } from '../testing/simulation/random.ts'
import { CountEnds } from './count-ends.ts'
import type { EndedEvents } from './read-ends.ts'
import { groupEnds, recordOf } from './rules/group-ends.ts'
import { MARK_ID } from './rules/mark.ts'
import type { EndedFacts } from './rules/rollup.ts'

const START_AT = Date.parse('2026-11-27T23:58:00Z')
const NEVER = new AbortController().signal

/** A stream in memory. Pages are as long as the broker happens to make them. */
class FakeStream implements EndedEvents {
  readonly ends: EndedFacts[] = []
  readonly random: Random
  made = 1_000
  last = 0

  constructor(random: Random) {
    this.random = random
  }

  /** Other events have sequences, too. */
  add(end: Omit<EndedFacts, 'sequence'>): void {
    this.last += 1 + this.random.below(3)
    this.ends.push({ ...end, sequence: this.last })
  }

  async state() {
    return { stream: this.made, first: this.last === 0 ? 0 : 1, last: this.last }
  }

  async page({ after, last }: { after: number; last: number }) {
    const rest = this.ends.filter(({ sequence }) => sequence > after)
    const ends = rest.slice(0, 1 + this.random.below(40))
    const isAll = ends.length === rest.length
    const upTo = ends.at(-1)?.sequence ?? last
    return { ends, changes: [], upTo: isAll ? Math.max(last, upTo) : upTo, moreAt: isAll ? undefined : START_AT }
  }
}

function anEnd(random: Random, n: number): Omit<EndedFacts, 'sequence'> {
  const state = random.weighted([
    [8, 'succeeded'],
    [2, 'failed'],
    [1, 'skipped'],
  ] as const)
  const began = state !== 'skipped'
  return {
    namespace: random.pick(['default', 'other']) ?? 'default',
    runId: `run-${n}`,
    job: random.pick(['report', 'tick', null]) ?? null,
    handler: 'work',
    state,
    reason: state === 'succeeded' ? 'completed' : state === 'failed' ? 'handler-error' : 'overlap',
    attempt: 1 + random.below(3),
    // Events of one minute are not all in a row, and some belong to another hour, and day.
    at: START_AT + random.below(4 * 60_000) + (random.chance(0.05) ? 3_600_000 : 0),
    waitedMs: began ? random.below(5_000) : undefined,
    ranMs: began ? random.below(100_000) : undefined,
    lateMs: random.chance(0.3) ? random.below(10_000) : undefined,
    retries: random.below(2),
    failure: state === 'failed' ? { name: 'Error', message: `no ${random.below(9)}` } : undefined,
  }
}

/** A process that may be killed in the middle of any write: of what it has sent a part is stored, or all of it, and it never learns what. */
function mortal(stats: StatsStore, random: Random, deaths: { left: number }): StatsStore {
  return Object.assign(Object.create(stats) as StatsStore, {
    get: (ids: readonly string[]) => stats.get(ids),
    put: async (changes: Parameters<StatsStore['put']>[0]) => {
      if (deaths.left === 0 || !random.chance(0.15)) return stats.put(changes)
      deaths.left--
      await stats.put(changes.filter(() => random.chance(0.5)))
      throw new CarillonError('STORE_UNAVAILABLE', 'killed')
    },
  })
}

/** What should be stored: each end once, counted at once. */
function recount(stream: FakeStream): Map<string, RollupRecord['values']> {
  const known = new Set<string>()
  const ends = stream.ends.filter(({ runId, attempt }) => !known.has(`${runId} ${attempt}`) && known.add(`${runId} ${attempt}`))
  const records = groupEnds(ends).map(({ place, tally }) => recordOf(place, tally, { stream: 0, upTo: 0, revision: 0 }))
  return new Map(records.map(({ id, values }) => [id, JSON.parse(JSON.stringify(values))]))
}

async function stored(stats: StatsStore, wanted: Map<string, unknown>) {
  const records = await stats.get([...wanted.keys()])
  return new Map([...wanted.keys()].map((id, i) => [id, records[i] && JSON.parse(JSON.stringify(records[i].values))]))
}

const sorted = (values: Map<string, RollupRecord['values'] | undefined>) =>
  Object.fromEntries(
    [...values].map(([id, value]) => [id, value && { ...value, errors: Object.fromEntries(Object.entries(value.errors).sort()) }]),
  )

const SEEDS = Number(process.env['CARILLON_SIMULATION_SEEDS'] ?? 15)

test(`each end is counted once, whatever is redelivered, killed, replayed or done by two at once: ${SEEDS} seeds`, async (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed)
    const store = await openStore('sqlite::memory:')
    const { log } = createTestLog()
    const stream = new FakeStream(random)
    const deaths = { left: 10 }
    const born = () =>
      new CountEnds({
        events: stream,
        store: { stats: mortal(store.stats, random, deaths) },
        shares: () => [0],
        clock: new FakeClock(),
        log,
      })
    const counters = [born(), born()]
    const round = async (i: number) => {
      await counters[i]?.round(NEVER).catch(() => {
        counters[i] = born()
      })
    }
    for (let step = 0, n = 0; step < 30; step++) {
      for (let more = random.below(60); more > 0; more--) {
        stream.add(anEnd(random, n++))
        // The answer to a publish was lost: the same event is stored once more.
        const again = random.chance(0.1) ? stream.ends.at(-1 - random.below(Math.min(20, stream.ends.length))) : undefined
        if (again) stream.add(again)
      }
      if (random.chance(0.5)) await Promise.all([round(0), round(1)])
      else await round(random.below(2))
      // Somebody restores an older mark: everything since then is read again.
      const [mark] = await store.stats.get([MARK_ID])
      if (mark && random.chance(0.1))
        await store.stats.put([{ rollup: { ...mark, upTo: random.below(mark.upTo), revision: mark.revision + 1 }, expect: mark.revision }])
    }
    deaths.left = 0
    await round(0)
    const wanted = recount(stream)
    assert.ok(wanted.size > 20)
    assert.deepEqual(sorted(await stored(store.stats, wanted)), sorted(wanted), `seed ${seed}`)
    await store.close()
  }
  t.diagnostic(`${SEEDS} seeds`)
})

test('a coordinator without the first share counts nothing; what is counted has a time, and of a stream that was made again everything is counted', async (t) => {
  const store = await openStore('sqlite::memory:')
  t.after(() => store.close())
  const stream = new FakeStream(new Random(1))
  const clock = new FakeClock()
  const shares = { mine: [1] as number[] }
  const counter = new CountEnds({ events: stream, store, shares: () => shares.mine, clock, log: createTestLog().log })
  for (let n = 0; n < 10; n++) stream.add({ ...anEnd(new Random(n), n), namespace: 'default', at: START_AT })
  assert.equal(await counter.countedUntil(), 0)
  shares.mine = [0]
  assert.equal(await counter.countedUntil(), clock.now())
  const ended = async () =>
    (await store.stats.series({ namespace: 'default', scope: '*', level: 'day', from: 0, before: START_AT * 2 }))[0]?.ended
  assert.equal(await ended(), 10)
  stream.made = 2_000
  stream.last = 0
  stream.ends.length = 0
  for (let n = 10; n < 13; n++) stream.add({ ...anEnd(new Random(n), n), namespace: 'default', at: START_AT })
  await counter.round(NEVER)
  assert.equal(await ended(), 13)
})

test('the loop starts and stops as every service does', async (t) => {
  const store = await openStore('sqlite::memory:')
  t.after(() => store.close())
  const clock = new FakeClock()
  const counter = new CountEnds({ events: new FakeStream(new Random(1)), store, shares: () => [0], clock, log: createTestLog().log })
  await exerciseService(counter, { isActive: () => clock.armed > 0 })
})
