import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '@carillon/contracts'
import fc from 'fast-check'
import { nextMean } from './load.ts'
import type { Candidate } from './match.ts'
import { type PickFacts, pick } from './pick.ts'
import { PickMemory } from './pick-memory.ts'
import { byRendezvous } from './rendezvous.ts'

const PICKS = 1_000

function candidate(instance: string, load: Partial<Candidate['load']> = {}): Candidate {
  const offer = { instance, session: instance, handler: { name: 'hello' } }
  return { ...offer, labels: {}, load: { capacity: 10, cpu: 0, memory: 0, running: 0, ...load }, isHung: false, isCordoned: false }
}
const named = (count: number) =>
  Array.from({ length: count }, (_, i) => candidate(`i-${i}`)).sort((a, b) => (a.instance < b.instance ? -1 : 1))

/** The same numbers in every run of the test. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function facts(route: Route, candidates: readonly Candidate[], more: Partial<PickFacts> = {}): PickFacts {
  const routing = route === 'any' ? {} : { route }
  return { candidates, routing, hasRoom: () => true, key: 'k', memory: new PickMemory(), random: seeded(7), ...more }
}

/** How often each is picked. */
function picksOf(route: Route, candidates: readonly Candidate[], more: Partial<PickFacts> = {}): Map<string, number> {
  const given = facts(route, candidates, more)
  const counts = new Map(candidates.map(({ instance }) => [instance, 0]))
  for (let i = 0; i < PICKS; i++) {
    const picked = pick({ ...given, key: `key-${i}` })
    assert.ok(picked)
    given.memory.add(picked.instance)
    counts.set(picked.instance, (counts.get(picked.instance) as number) + 1)
  }
  return counts
}

/** Whether counts are within four standard deviations of an even share. */
function isEven(counts: ReadonlyMap<string, number>): boolean {
  const share = PICKS / counts.size
  return [...counts.values()].every((count) => Math.abs(count - share) <= 4 * Math.sqrt(share))
}

test('round-robin, least-used and least-recent give each instance the same number of tasks', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.constantFrom<Route>('round-robin', 'least-used', 'least-recent'), (count, route) => {
      const counts = [...picksOf(route, named(count)).values()]
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${route}: ${counts}`)
    }),
    { numRuns: 60 },
  )
})

test('random, consistent-hash and any are even but for chance', () => {
  for (const route of ['random', 'consistent-hash', 'any'] as const) {
    const counts = picksOf(route, named(5))
    assert.ok(isEven(counts), `${route}: ${[...counts.values()]}`)
  }
})

test('first, last, specific and failover always pick the same one, and the next when it is gone', () => {
  const three = named(3)
  const of = (route: Route, instances?: string[]) => (candidates: readonly Candidate[]) =>
    pick(facts(route, candidates, { routing: { ...(route === 'any' ? {} : { route }), ...(instances ? { instances } : {}) } }))?.instance
  assert.deepEqual([of('first')(three), of('first')(three.slice(1))], ['i-0', 'i-1'])
  assert.deepEqual([of('last')(three), of('last')(three.slice(0, 2))], ['i-2', 'i-1'])
  const failover = of('failover', ['i-2', 'i-0', 'i-1'])
  assert.deepEqual([failover(three), failover(three.slice(0, 2)), failover([])], ['i-2', 'i-0', undefined])
  assert.equal(of('specific', ['i-1'])(three.slice(1, 2)), 'i-1')
})

test('a task of such a route waits for its instance; others go to those that have room', () => {
  const hasRoom = ({ instance }: Candidate) => instance !== 'i-0'
  assert.equal(pick(facts('first', named(3), { hasRoom })), undefined)
  for (const route of [
    'any',
    'round-robin',
    'random',
    'least-used',
    'least-recent',
    'least-cpu',
    'least-memory',
    'fastest',
    'idle',
  ] as const)
    assert.notEqual(picksOf(route, named(2), { hasRoom }).get('i-1'), 0, route)
  assert.equal(pick(facts('random', named(3), { hasRoom: () => false })), undefined)
})

test('a retry prefers other instances than the one where the last attempt failed, and takes that if there is no other', () => {
  for (const route of ['first', 'round-robin', 'random', 'consistent-hash', 'least-used', 'idle'] as const) {
    assert.notEqual(pick(facts(route, named(2), { avoid: 'i-0' }))?.instance, 'i-0', route)
    assert.equal(pick(facts(route, named(1), { avoid: 'i-0' }))?.instance, 'i-0', route)
  }
})

test('an instance that joins takes about one key in n + 1, each of these from where it was, and no other key moves', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), fc.integer(), (count, salt) => {
      const before = named(count)
      const after = [...before, candidate('joined')]
      let moved = 0
      for (let i = 0; i < PICKS; i++) {
        const key = `${salt}-${i}`
        const [from, to] = [byRendezvous(before, key), byRendezvous(after, key)]
        if (from === to) continue
        assert.equal(to?.instance, 'joined')
        moved++
      }
      const share = 1 / (count + 1)
      const tolerated = 5 * Math.sqrt(PICKS * share * (1 - share))
      assert.ok(Math.abs(moved - PICKS * share) <= tolerated, `${moved} of ${PICKS} moved to one of ${count + 1}`)
    }),
    { numRuns: 50 },
  )
})

test('the least used instance is picked, and one that joins is not given everything until it has caught up', () => {
  const memory = new PickMemory()
  picksOf('least-used', named(4), { memory })
  const counts = picksOf('least-used', [...named(4), candidate('joined')], { memory })
  assert.ok((counts.get('joined') as number) < 1.5 * (PICKS / 5), `${[...counts]}`)
  const later = picksOf('least-used', [...named(4), candidate('joined')], { memory })
  assert.ok(isEven(later), `${[...later]}`)
})

test('memory that is rebuilt from the last picks goes on with the next one', () => {
  const rebuilt = new PickMemory(['i-0', 'i-1', 'i-2', 'i-0'])
  assert.equal(pick(facts('round-robin', named(3), { memory: rebuilt }))?.instance, 'i-1')
  assert.equal(pick(facts('least-recent', named(3), { memory: rebuilt }))?.instance, 'i-1')
  assert.equal(pick(facts('least-used', named(3), { memory: rebuilt }))?.instance, 'i-1')
})

test('least-cpu and least-memory prefer the less loaded one, and do not herd: what was sent since the beat counts', () => {
  const signals = { 'least-cpu': 'cpu', 'least-memory': 'memory' } as const
  for (const route of ['least-cpu', 'least-memory'] as const) {
    const loaded = [candidate('i-0', { [signals[route]]: 0.9 }), candidate('i-1', { [signals[route]]: 0.1 })]
    assert.equal(picksOf(route, loaded).get('i-1'), PICKS, route)
    const sent = [candidate('i-0', { [signals[route]]: 0.2 }), candidate('i-1', { [signals[route]]: 0.1, sent: 5 })]
    assert.equal(pick(facts(route, sent))?.instance, 'i-0', route)
    const many = picksOf(route, [
      candidate('least', { [signals[route]]: 0 }),
      ...named(9).map((one) => candidate(one.instance, { [signals[route]]: 0.5 })),
    ])
    assert.ok((many.get('least') as number) < PICKS / 3, `${route}: ${many.get('least')}`)
  }
})

test('the fastest instance has most tasks, the others some; failures are slow', () => {
  const counts = picksOf('fastest', [
    candidate('i-0', { responseMs: 100 }),
    candidate('i-1', { responseMs: 10 }),
    candidate('i-2', { responseMs: 90 }),
  ])
  assert.ok((counts.get('i-1') as number) > 0.9 * PICKS && (counts.get('i-0') as number) > 0, `${[...counts]}`)
  assert.equal(
    pick(
      facts('fastest', [candidate('unknown', {}), candidate('slow', { responseMs: 50 }), candidate('quick', { responseMs: 5 })], {
        random: () => 0.9,
      }),
    )?.instance,
    'quick',
  )
  let mean: number | undefined
  for (let i = 0; i < 20; i++) mean = nextMean(mean, { tookMs: 1, failed: true }, [100, 300])
  assert.ok((mean as number) > 300, `${mean}`)
  for (let i = 0; i < 40; i++) mean = nextMean(mean, { tookMs: 10, failed: false }, [100])
  assert.ok((mean as number) < 20, `${mean}`)
})

test('idle takes the first instance with nothing to do, and waits when there is none', () => {
  assert.equal(pick(facts('idle', [candidate('i-0', { running: 1 }), candidate('i-1'), candidate('i-2')]))?.instance, 'i-1')
  assert.equal(pick(facts('idle', [candidate('i-0', { running: 1 })])), undefined)
})
