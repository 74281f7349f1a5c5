import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestLog, exerciseService, FakeClock } from '@carillon/runtime/testing'
import { openStore, type RollupRecord } from '@carillon/store'
import { FakeStream, mortal, sorted, statsWith, stored } from '../testing/count-world.ts'
import { Random } from '../testing/simulation/random.ts'
import { CountEnds } from './count-ends.ts'
import { groupEnds, MinuteCounts, recordOf } from './rules/group-ends.ts'
import { MARK_ID, markOf, markRecord } from './rules/mark.ts'
import type { EndedFacts } from './rules/rollup.ts'

const START_AT = Date.parse('2026-11-27T23:58:00Z')
const NEVER = new AbortController().signal

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

/** What should be stored: each end once, counted at once. */
function recount(stream: FakeStream): Map<string, RollupRecord['values']> {
  const known = new Set<string>()
  const ends = stream.ends.filter(({ runId, attempt }) => !known.has(`${runId} ${attempt}`) && known.add(`${runId} ${attempt}`))
  const records = [...groupEnds(ends)].map(({ place, tally }) => recordOf(place, tally, { stream: 0, upTo: 0, revision: 0 }))
  return new Map(records.map(({ id, values }) => [id, JSON.parse(JSON.stringify(values))]))
}

const SEEDS = Number(process.env['CARILLON_SIMULATION_SEEDS'] ?? 10)

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
        store: { ...store, stats: mortal(store.stats, random, deaths) },
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
        // Also the first event of an end may say that another one may have been before.
        stream.add({ ...anEnd(random, n++), ...(random.chance(0.1) ? { isRepeated: true } : {}) })
        // The answer to a publish was lost, or its report came again: the same event is stored once more.
        const again = random.chance(0.1) ? stream.ends.at(-1 - random.below(Math.min(20, stream.ends.length))) : undefined
        if (again) stream.add({ ...again, isRepeated: true })
      }
      if (random.chance(0.5)) await Promise.all([round(0), round(1)])
      else await round(random.below(2))
      // Somebody restores an older mark: everything since then is read again.
      const [mark] = await store.stats.get([MARK_ID])
      if (mark && random.chance(0.1)) {
        const upTo = random.below(mark.upTo)
        const older = { ...markOf(mark), upTo, storedAt: await stream.storedAt(upTo), revision: mark.revision + 1 }
        await store.stats.put([{ rollup: markRecord(older), expect: mark.revision }])
      }
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

test('a coordinator without the first share counts nothing; what is counted has a time', async (t) => {
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
})

test('where very many jobs have ended, other work goes on between their documents', async (t) => {
  const store = await openStore('sqlite::memory:')
  t.after(() => store.close())
  const stream = new FakeStream(new Random(1))
  const jobs = 500
  const counts = new MinuteCounts()
  for (let n = 0; n < jobs; n++) {
    stream.add({ ...anEnd(new Random(n), n), namespace: 'default', job: `job-${n}`, at: START_AT })
    counts.add(stream.ends[n] as EndedFacts)
  }
  let turn = 0
  const countTurns = () => {
    turn++
    if (!t.signal.aborted) setImmediate(countTurns)
  }
  countTurns()
  const [addedUp, written] = [new Map<number, number>(), new Map<number, number>()]
  const note = (inTurns: Map<number, number>, documents: number) => inTurns.set(turn, (inTurns.get(turn) ?? 0) + documents)
  const groups = counts.groups.bind(counts)
  counts.groups = function* (options) {
    for (const group of groups(options)) {
      note(addedUp, 1)
      yield group
    }
  }
  stream.page = async ({ last }) => ({ ends: [], counts, changes: [], upTo: last, moreAt: undefined })
  const stats = statsWith(store.stats, {
    put: (changes) => {
      note(written, changes.length)
      return store.stats.put(changes)
    },
  })
  const clock = new FakeClock()
  await new CountEnds({ events: stream, store: { ...store, stats }, shares: () => [0], clock, log: createTestLog().log }).round(NEVER)
  for (const inTurns of [addedUp, written]) assert.ok(Math.max(...inTurns.values()) <= 100, `${[...inTurns.values()]}`)
  // Minute, quarter, hour and day of each job and of everything, and the mark.
  assert.equal(
    [...written.values()].reduce((sum, documents) => sum + documents, 0),
    4 * jobs + 4 + 1,
  )
})

test('the loop starts and stops as every service does', async (t) => {
  const store = await openStore('sqlite::memory:')
  t.after(() => store.close())
  const clock = new FakeClock()
  const counter = new CountEnds({ events: new FakeStream(new Random(1)), store, shares: () => [0], clock, log: createTestLog().log })
  await exerciseService(counter, { isActive: () => clock.armed > 0 })
})
