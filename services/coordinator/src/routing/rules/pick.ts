import type { Route } from '@carillon/contracts'
import type { Routing } from '@carillon/store'
import type { Candidate } from './match.ts'
import type { PickMemory } from './pick-memory.ts'
import { byRendezvous } from './rendezvous.ts'

/** What a pick depends on. */
export interface PickFacts {
  /** Those that match, by name. */
  readonly candidates: readonly Candidate[]
  /** Whether an instance may be given one more now. */
  readonly hasRoom: (candidate: Candidate) => boolean
  readonly routing: Pick<Routing, 'route' | 'instances'>
  /** What `consistent-hash` maps to an instance. */
  readonly key: string
  readonly memory: PickMemory
  /** From 0 to less than 1. */
  readonly random: () => number
  /** The instance on which the attempt before failed. */
  readonly avoid?: string | undefined
}

/** One in so many picks of `fastest` goes to any instance, so that one that has become faster is noticed. */
const EXPLORED = 0.05

type Rule = (candidates: readonly Candidate[], facts: PickFacts) => Candidate | undefined

/**
 * Routes whose choice does not depend on who has room: the task waits for its instance. Of the other ones an instance without room is no candidate.
 */
const FIXED: Partial<Record<Route, Rule>> = {
  specific: first,
  first,
  last: (candidates) => candidates.at(-1),
  failover: (candidates, { routing: { instances } }) =>
    instances ? least(candidates, ({ instance }) => instances.indexOf(instance)) : candidates[0],
  'consistent-hash': (candidates, { key }) => byRendezvous(candidates, key),
}

const SPREAD: Partial<Record<Route, Rule>> = {
  any: roomiest,
  'round-robin': (candidates, { memory: { last } }) =>
    candidates.find(({ instance }) => last === undefined || instance > last) ?? candidates[0],
  random: anyOf,
  'least-used': (candidates, { memory }) => {
    const counts = memory.countsOf(candidates.map(({ instance }) => instance))
    return candidates[counts.indexOf(Math.min(...counts))]
  },
  'least-recent': (candidates, { memory }) => least(candidates, ({ instance }) => memory.lastPickOf(instance)),
  'least-cpu': betterOfTwo(({ load }) => (load.cpu ?? 1) + unmeasured(load)),
  'least-memory': betterOfTwo(({ load }) => (load.memory ?? 1) + unmeasured(load)),
  fastest: (candidates, facts) => (facts.random() < EXPLORED ? anyOf(candidates, facts) : fastestOf(candidates)),
  idle: (candidates) => candidates.find(({ load }) => (load.running ?? 0) <= 0),
}

/** The instance for a task; undefined: it waits. The candidate on which the attempt before failed is the last choice. */
export function pick(facts: PickFacts): Candidate | undefined {
  const { candidates, routing, avoid, hasRoom } = facts
  const route = routing.route ?? 'any'
  const others = avoid === undefined ? candidates : candidates.filter(({ instance }) => instance !== avoid)
  const preferred = others.length > 0 ? others : candidates
  const fixed = FIXED[route]
  if (fixed === undefined) {
    const withRoom = preferred.filter(hasRoom)
    return withRoom.length > 0 ? SPREAD[route]?.(withRoom, facts) : undefined
  }
  const picked = fixed(preferred, facts)
  return picked && hasRoom(picked) ? picked : undefined
}

/** Whether a route depends on earlier picks. */
export const remembersPicks = ({ route }: Pick<Routing, 'route'>): boolean =>
  route === 'round-robin' || route === 'least-used' || route === 'least-recent'

function first(candidates: readonly Candidate[]): Candidate | undefined {
  return candidates[0]
}

function anyOf(candidates: readonly Candidate[], { random }: PickFacts): Candidate | undefined {
  return candidates[Math.floor(random() * candidates.length)]
}

/** The one with the most free slots; of several any. */
function roomiest(candidates: readonly Candidate[], facts: PickFacts): Candidate | undefined {
  const taken = ({ load }: Candidate) => (load.running ?? 0) - load.capacity
  const fewest = Math.min(...candidates.map(taken))
  return anyOf(
    candidates.filter((candidate) => taken(candidate) === fewest),
    facts,
  )
}

/**
 * The better one of two random candidates. Signals are seconds old: if all tasks went to the least one until its next beat, they would herd there. What was
 * sent since is part of the score for the same reason.
 */
function betterOfTwo(score: (candidate: Candidate) => number): Rule {
  return (candidates, facts) => {
    const one = Math.floor(facts.random() * candidates.length)
    const other = (one + 1 + Math.floor(facts.random() * (candidates.length - 1))) % candidates.length
    return least([candidates[one], candidates[other]] as Candidate[], score)
  }
}

/** What the tasks that an instance was given since its last beat are assumed to cost: an even share each. */
const unmeasured = ({ sent = 0, capacity }: Candidate['load']) => Math.max(0, sent) / capacity

/** The one with the smallest mean; one that is not known counts as the median. */
function fastestOf(candidates: readonly Candidate[]): Candidate | undefined {
  const known = candidates.flatMap(({ load }) => (load.responseMs === undefined ? [] : [load.responseMs])).sort((a, b) => a - b)
  const median = known[Math.floor(known.length / 2)] ?? 0
  return least(candidates, ({ load }) => load.responseMs ?? median)
}

/** The first one with the smallest score. */
function least(candidates: readonly Candidate[], score: (candidate: Candidate) => number): Candidate | undefined {
  let [best, lowest]: [Candidate | undefined, number] = [undefined, Number.POSITIVE_INFINITY]
  for (const candidate of candidates) {
    const its = score(candidate)
    if (best === undefined || its < lowest) [best, lowest] = [candidate, its]
  }
  return best
}
