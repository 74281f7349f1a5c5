// A stream in memory, and processes that die, for tests of what counts ends.
import { CarillonError } from '@carillon/contracts'
import type { RollupRecord, StatsStore } from '@carillon/store'
import type { EndedEvents, EndsPage } from '../stats/read-ends.ts'
import { MinuteCounts } from '../stats/rules/group-ends.ts'
import type { EndedFacts } from '../stats/rules/rollup.ts'
import type { Random } from './simulation/random.ts'

/** A stream in memory. Pages are as long as the broker happens to make them. */
export class FakeStream implements EndedEvents {
  readonly ends: EndedFacts[] = []
  readonly random: Random
  made = 1_000
  last = 0
  #copies: readonly { readonly after: number; readonly copy: number }[] = [{ after: 0, copy: 0 }]
  #restored = 1_000

  constructor(random: Random) {
    this.random = random
  }

  /** An older copy is restored: what comes then has sequences that were given before. */
  restore(ends: readonly EndedFacts[], last: number): void {
    this.ends.splice(0, this.ends.length, ...ends)
    this.last = last
    this.#copies = [...this.#copies.filter(({ after }) => after < last), { after: last, copy: this.#restored++ }]
  }

  /** The broker has lost its data. */
  wipe(): void {
    this.made += 1_000
    this.restore([], 0)
  }

  /** Other events have sequences, too. */
  add(end: Omit<EndedFacts, 'sequence'>): void {
    this.last += 1 + this.random.below(3)
    this.ends.push({ ...end, sequence: this.last })
  }

  async storedAt(sequence: number) {
    return sequence === 0 ? undefined : `${this.made} ${this.#copies.findLast(({ after }) => after < sequence)?.copy} ${sequence}`
  }

  async state() {
    return { stream: this.made, first: this.last === 0 ? 0 : 1, last: this.last }
  }

  /** Of some pages the ends were counted as they were published; those that may have been published before are in none of them. */
  async page(query: { after: number; last: number }): Promise<EndsPage> {
    const page = await this.wholePage(query)
    if (!this.random.chance(0.5) || page.ends.some(({ isRepeated }) => isRepeated)) return page
    const counts = new MinuteCounts()
    for (const end of page.ends) counts.add(end)
    return { ...page, ends: [], counts }
  }

  async isSecond(end: EndedFacts): Promise<boolean> {
    const isSame = ({ runId, attempt, state, sequence }: EndedFacts) =>
      runId === end.runId && attempt === end.attempt && state === end.state && sequence < end.sequence
    return this.ends.some(isSame)
  }

  async wholePage({ after, last }: { after: number; last: number }) {
    const rest = this.ends.filter(({ sequence }) => sequence > after)
    const ends = rest.slice(0, 1 + this.random.below(40))
    const isAll = ends.length === rest.length
    const upTo = ends.at(-1)?.sequence ?? last
    return { ends, changes: [], upTo: isAll ? Math.max(last, upTo) : upTo, moreAt: isAll ? undefined : ends.at(-1)?.at }
  }
}

/** Statistics of which some calls do something else. */
export const statsWith = (stats: StatsStore, calls: Partial<Pick<StatsStore, 'get' | 'put'>>): StatsStore =>
  Object.assign(Object.create(stats) as StatsStore, {
    get: (ids: readonly string[]) => stats.get(ids),
    series: (query: Parameters<StatsStore['series']>[0]) => stats.series(query),
    put: (changes: Parameters<StatsStore['put']>[0]) => stats.put(changes),
    ...calls,
  })

/** A process that may be killed in the middle of any write: of what it has sent a part is stored, or all of it, and it never learns what. */
export function mortal(stats: StatsStore, random: Random, deaths: { left: number }): StatsStore {
  return statsWith(stats, {
    put: async (changes) => {
      if (deaths.left === 0 || !random.chance(0.15)) return stats.put(changes)
      deaths.left--
      await stats.put(changes.filter(() => random.chance(0.5)))
      throw new CarillonError('STORE_UNAVAILABLE', 'killed')
    },
  })
}

export async function stored(stats: StatsStore, wanted: Map<string, unknown>) {
  const records = await stats.get([...wanted.keys()])
  return new Map([...wanted.keys()].map((id, i) => [id, records[i] && JSON.parse(JSON.stringify(records[i].values))]))
}

export const sorted = (values: Map<string, RollupRecord['values'] | undefined>) =>
  Object.fromEntries(
    [...values].map(([id, value]) => [id, value && { ...value, errors: Object.fromEntries(Object.entries(value.errors).sort()) }]),
  )
