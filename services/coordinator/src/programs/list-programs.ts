import { handlerOfProgram, isUndeclared, type ProgramView, programOfOffer, takesProgram } from '@carillon/contracts'
import type { ProgramTally, Store } from '@carillon/store'
import type { Presence } from '../ports.ts'
import { type Offer, offersOf } from './rules/compatible.ts'

/** The programs that live instances have, and those that open runs are bound to. */
export class ListPrograms {
  readonly #store: Store
  readonly #presence: Presence

  constructor(options: { store: Store; presence: Presence }) {
    this.#store = options.store
    this.#presence = options.presence
  }

  /** By id. A handler that declares nothing is listed while runs are bound to it. */
  async execute(namespace: string, { handler }: { handler?: string | undefined }): Promise<{ items: ProgramView[] }> {
    const tallies = await Promise.all([this.#store.runs.programs(namespace), this.#store.tasks.programs(namespace)])
    const bound = tallies.flat()
    const offers = new Map(
      this.#presence.handlers(namespace).map((name) => [name, offersOf(this.#presence.holding(namespace, name), name)]),
    )
    const offered = [...offers.values()].flat().map((offer) => programOfOffer(offer.handler))
    const ids = new Set([...bound.map(({ program }) => program), ...offered.filter((program) => !isUndeclared(program))])
    const items = [...ids]
      .filter((program) => handler === undefined || handlerOfProgram(program) === handler)
      .sort()
      .map((program) => {
        const own = bound.filter((tally) => tally.program === program)
        return viewOf(program, offers.get(handlerOfProgram(program)) ?? [], own)
      })
    return { items }
  }
}

function viewOf(program: string, offers: readonly Offer[], tallies: readonly ProgramTally[]): ProgramView {
  const has = ({ handler }: Offer) => programOfOffer(handler) === program
  const accepts = (offer: Offer) => !has(offer) && takesProgram(offer.handler, program)
  const names = (some: readonly Offer[]) => some.map(({ instance }) => instance)
  const queued = tallies.filter(({ state, pinnedAt }) => state === 'queued' && pinnedAt !== null)
  const count = (some: readonly ProgramTally[]) => some.reduce((sum, one) => sum + one.count, 0)
  const since = Math.min(...queued.map(({ pinnedAt }) => pinnedAt ?? Number.POSITIVE_INFINITY))
  return {
    program,
    handler: handlerOfProgram(program),
    instances: names(offers.filter(has)),
    accepting: names(offers.filter(accepts)),
    open: count(tallies),
    waiting: count(queued),
    ...(Number.isFinite(since) ? { since: new Date(since).toISOString() } : {}),
  }
}
