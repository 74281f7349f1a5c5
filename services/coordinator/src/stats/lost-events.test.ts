import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createTestLog, FakeClock } from '@carillon/runtime/testing'
import { openStore, type RunRecord, type Store } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { FakeStream, mortal, sorted, stored } from '../testing/count-world.ts'
import { Random } from '../testing/simulation/random.ts'
import { CountEnds } from './count-ends.ts'
import { groupEnds, recordOf } from './rules/group-ends.ts'
import { MARK_ID } from './rules/mark.ts'
import { factsOfRun } from './rules/recount.ts'
import type { EndedFacts } from './rules/rollup.ts'

const NEVER = new AbortController().signal
const START_AT = Date.parse('2026-11-27T23:50:00Z')
const SEEDS = Number(process.env['CARILLON_SIMULATION_SEEDS'] ?? 8)

/** A run that has just ended, as coordinators whose clocks are apart say. */
function anEndedRun(random: Random, { n, now }: { n: number; now: number }): RunRecord {
  const endedAt = now - random.below(4_000)
  const hasFailed = random.chance(0.2)
  return aRun(n, {
    id: `run-${n}`,
    namespace: random.pick(['default', 'other']) as string,
    job: random.pick(['report', 'tick', null]) ?? null,
    handler: 'work',
    state: hasFailed ? 'failed' : 'succeeded',
    reason: hasFailed ? 'handler-error' : 'completed',
    error: hasFailed ? { name: 'Error', message: `no ${random.below(9)}` } : null,
    ...{ createdAt: endedAt - 50_000, firstStartedAt: endedAt - random.below(40_000), startedAt: endedAt - 10, endedAt },
    ...{ queuedAt: null, wakeAt: null },
  })
}

async function simulate(store: Store, seed: number): Promise<void> {
  const random = new Random(seed)
  const clock = new FakeClock(START_AT)
  const stream = new FakeStream(random)
  const deaths = { left: 6 }
  const ends: EndedFacts[] = []
  const copies: { ends: EndedFacts[]; last: number }[] = []
  const born = () =>
    new CountEnds({
      ...{ events: stream, store: { ...store, stats: mortal(store.stats, random, deaths) } },
      ...{ shares: () => [0], clock, log: createTestLog().log },
    })
  const counters = [born(), born()]
  const round = async (i: number) => {
    await counters[i]?.round(NEVER).catch(() => {
      counters[i] = born()
    })
  }
  const live = async () => {
    const runs = Array.from({ length: random.below(40) }, (_, i) => anEndedRun(random, { n: ends.length + i, now: clock.now() }))
    await store.runs.insert(runs)
    for (const run of runs) {
      const end = factsOfRun(run) as EndedFacts
      ends.push(end)
      stream.add(end)
    }
  }
  for (let step = 0; step < 40; step++) {
    await live()
    copies.push({ ends: [...stream.ends], last: stream.last })
    const [mark] = await store.stats.get([MARK_ID])
    if (mark && random.chance(0.1)) {
      // A copy that is newer than the mark has lost what nobody has read: nothing shows it.
      const copy = random.pick(copies.filter(({ last }) => last < mark.upTo))
      if (random.chance(0.4) || !copy) {
        stream.wipe()
        copies.length = 0
      } else {
        stream.restore(copy.ends, copy.last)
        copies.splice(copies.indexOf(copy) + 1)
      }
      // It may have passed the mark before somebody looks.
      for (let more = random.below(8); more > 0; more--) await live()
    }
    await clock.advance(random.below(25_000))
    if (random.chance(0.4)) await Promise.all([round(0), round(1)])
    else if (random.chance(0.8)) await round(random.below(2))
  }
  deaths.left = 0
  for (let i = 0; i < 3; i++) {
    await clock.advance(70_000)
    await round(0)
  }
  const groups = [...groupEnds(ends)].map(({ place, tally }) => recordOf(place, tally, { stream: 0, upTo: 0, revision: 0 }))
  const wanted = new Map(groups.map(({ id, values }) => [id, JSON.parse(JSON.stringify(values))]))
  assert.deepEqual(sorted(await stored(store.stats, wanted)), sorted(wanted), `seed ${seed}`)
}

test(`a broker that is wiped, or restored from an older copy, again and again: each end is counted once, whoever dies meanwhile; ${SEEDS} seeds`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const store = await openStore('sqlite::memory:')
    await simulate(store, seed)
    await store.close()
  }
})

const { CARILLON_TEST_MONGODB_URL: mongodb } = process.env

test('the same with MongoDB', { skip: mongodb === undefined && 'CARILLON_TEST_MONGODB_URL is not set' }, async () => {
  for (let seed = 1; seed <= 2; seed++) {
    const address = new URL(mongodb ?? '')
    address.pathname = `/carillon-test-${randomBytes(6).toString('hex')}`
    const store = await openStore(address.href)
    await simulate(store, seed)
    await store.close()
  }
})
