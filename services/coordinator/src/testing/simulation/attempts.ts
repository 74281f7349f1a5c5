import type { Report } from '@carillon/contracts'
import type { Delivery } from './broker.ts'
import { fresh, type Held, type Instance, idsOf, isForeign } from './instance.ts'
import type { Random } from './random.ts'

/** What an instance holds when a message has come. It has to be claimed if another instance may have had it, or is to. */
export const taken = (instance: Instance, delivery: Delivery): Held => {
  const { work, count } = delivery
  return { work, attempt: work.attempt, delivery, needsClaim: count > 1 || work.claim === true || isForeign(instance, work), ...fresh() }
}

export const claimOf = (instance: Instance, { work, delivery }: Held) => ({
  ...{ taskId: work.taskId, attempt: work.attempt, instance: instance.id, session: instance.session },
  redelivered: delivery !== undefined && delivery.count > 1,
  ...(isForeign(instance, work) ? { incompatible: true as const } : {}),
})

interface Chance {
  readonly random: Random
  readonly isCalm: boolean
}

/** The report of an attempt that is over. */
export function endOf(held: Held, { outcome, ...chance }: Chance & { outcome: 'cancelled' | undefined }): Report {
  const chosen = outcome ?? outcomeOf(held, chance)
  const hasResults = held.work.task !== undefined || held.work.index === undefined
  const result = chosen === 'succeeded' && hasResults ? { result: held.results } : {}
  const isAsleep = held.work.index === undefined && chosen === 'failed' && chance.random.chance(0.5)
  if (held.isForeign) return { ...idsOf(held), type: 'finished', outcome: 'failed', reason: 'program-changed' }
  if (isAsleep) return { ...idsOf(held), type: 'slept', delayMs: chance.random.below(5_000) }
  return { ...idsOf(held), type: 'finished', outcome: chosen, ...result }
}

/** How a task ends when its work is done. */
function outcomeOf({ isRefused, work }: Held, { random, isCalm }: Chance): 'succeeded' | 'failed' | 'timed_out' {
  if (isRefused) return 'failed'
  // What comes late in a run would else hardly ever fail.
  const isLate = work.task === 'reduce' || work.task === 'merge'
  if (random.chance(isCalm ? (isLate ? 0.8 : 1) : 0.75)) return 'succeeded'
  return random.chance(0.8) ? 'failed' : 'timed_out'
}

const attemptOf = ({ taskId, attempt }: { readonly taskId: string; readonly attempt: number }) => `${taskId}#${attempt}`

/** Which attempts have begun: none may begin twice, unless it was given back. */
export class Attempts {
  readonly #begun = new Set<string>()
  readonly #released = new Set<string>()
  readonly #violated: (what: string) => void

  constructor(violated: (what: string) => void) {
    this.#violated = violated
  }

  begin(held: Held): void {
    const attempt = attemptOf(idsOf(held))
    if (this.#begun.has(attempt) && !this.#released.has(attempt)) this.#violated(`${attempt} was run twice`)
    this.#begun.add(attempt)
  }

  /** After it has begun: an instance was asked about it, and does not have it. */
  release(work: { readonly taskId: string; readonly attempt: number }): void {
    this.#released.add(attemptOf(work))
  }
}
