import { type AssignmentAnswer, type OfferAnswer, TIMES, type WorkMessage } from '@carillon/contracts'
import type { FakeClock } from '@carillon/runtime/testing'
import { fresh, type Held, type Instance, isAttempt, isForeign, keyOf } from './instance.ts'
import type { Random } from './random.ts'
import type { Suspicions } from './suspicions.ts'

/** How long a coordinator waits for an answer. */
const ANSWER_WITHIN_MS = 5_000
/** What was sent before a pause of this length is claimed. */
const LONG_PAUSE_MS = 8_000
const CONCURRENCY = 2

/** A request that has not been read. Those of one connection are read in their order. */
interface Unread {
  readonly from: object
  readonly read: (isOld: boolean) => void
}

interface Options {
  readonly random: Random
  readonly clock: FakeClock
  readonly instances: readonly Instance[]
  readonly suspicions: Suspicions
  readonly isBroadcast: boolean
  /** Requests may be late, and instances may stand still. */
  readonly mayBeLate: boolean
  readonly isCalm: () => boolean
  readonly violated: (what: string) => void
}

/** The requests on `direct.<instance>`, and what instances answer: as `sdk/src/executor/intake.ts` does. */
export class DirectRequests {
  readonly #given: Options
  readonly #random: Random
  readonly #unread = new Map<Instance, Unread[]>()

  constructor(options: Options) {
    this.#given = options
    this.#random = options.random
  }

  /** A task is offered to one instance. */
  offered(id: string, work: WorkMessage, from: object): OfferAnswer | undefined | Promise<OfferAnswer | undefined> {
    const { suspicions } = this.#given
    suspicions.offered(work)
    const instance = this.#instance(id)
    if (!instance || this.#happens(0.1)) return void suspicions.add(work.taskId) // it may have arrived
    if (!this.#isLate(instance, from)) return this.#answerOffer(instance, work)
    return this.#later(instance, { from, answer: () => this.#answerOffer(instance, work) })
  }

  /** Tasks are assigned to one instance. Answers undefined if it does not answer in time, 'nobody' if no instance is there. */
  async assigned(id: string, works: readonly WorkMessage[], from: object): Promise<AssignmentAnswer | undefined | 'nobody'> {
    const instance = this.#instance(id)
    if (!instance && this.#random.chance(0.5)) return 'nobody'
    if (!instance || this.#happens(0.1)) return this.#random.chance(0.5) ? undefined : this.#silence()
    const answer = (isOld: boolean) => this.#answerAssignment(instance, works, isOld)
    return this.#isLate(instance, from) || this.#happens(0.3) ? this.#later(instance, { from, answer }) : answer(false)
  }

  /** A process is suspended: it neither reads nor works. */
  standStill(instance: Instance | undefined): void {
    if (instance) instance.stillSince = this.#given.clock.now()
  }

  /** One that has been suspended for so long that it is declared lost. */
  get silent(): Instance | undefined {
    const before = this.#given.clock.now() - TIMES.lostAfterMs
    return this.#given.instances.find(({ alive, stillSince }) => alive && stillSince !== undefined && stillSince < before)
  }

  /** It goes on: what it held before it stood still for long is claimed before it begins, and what has waited for it. */
  goOn(instance: Instance | undefined): void {
    if (instance?.stillSince === undefined) return
    const isOld = this.#given.clock.now() - instance.stillSince > LONG_PAUSE_MS
    instance.stillSince = undefined
    for (const held of instance.held) if (isOld && !held.begun && isForAny(held)) held.needsClaim = true
    for (const { read } of this.#unread.get(instance)?.splice(0) ?? []) read(isOld)
  }

  /** One that was late on its way arrives. */
  arrive(): void {
    const [instance, unread] =
      this.#random.pick([...this.#unread].filter(([{ stillSince }, { length }]) => length > 0 && !stillSince)) ?? []
    const from = this.#random.pick(unread ?? [])?.from
    const first = unread?.findIndex((one) => one.from === from) ?? -1
    if (instance?.alive && first >= 0) unread?.splice(first, 1)[0]?.read(false)
  }

  /** All that were late. */
  arriveAll(): void {
    for (const unread of this.#unread.values()) for (const { read } of unread.splice(0)) read(false)
  }

  #instance(id: string): Instance | undefined {
    return this.#given.instances.find((one) => one.id === id && one.alive)
  }

  #happens(probability: number): boolean {
    return !this.#given.isCalm() && this.#random.chance(probability)
  }

  /** What comes by the same connection does not overtake. */
  #isLate(instance: Instance, from: object): boolean {
    if (!this.#given.mayBeLate) return false
    return instance.stillSince !== undefined || (this.#unread.get(instance) ?? []).some((one) => one.from === from)
  }

  #later<Answer>(instance: Instance, { from, answer }: { from: object; answer: (isOld: boolean) => Answer }): Promise<Answer | undefined> {
    const unread = this.#unread.get(instance) ?? []
    this.#unread.set(instance, unread)
    return new Promise((resolve) => {
      unread.push({ from, read: (isOld) => resolve(instance.alive ? answer(isOld) : undefined) })
      this.#silence().then(resolve)
    })
  }

  #silence(): Promise<undefined> {
    return new Promise((resolve) => this.#given.clock.after(ANSWER_WITHIN_MS, () => resolve(undefined)))
  }

  #answerOffer(instance: Instance, work: WorkMessage): OfferAnswer | undefined {
    const { isBroadcast, violated } = this.#given
    const isKnown = instance.done.has(keyOf(work)) || isHeld(instance, work)
    const isFree = isKnown || isBroadcast || !this.#happens(0.2)
    if (isForeign(instance, work) && !isKnown) return { accepted: false, reason: 'other-program' }
    if (!isFree) return { accepted: false, reason: 'busy' }
    const other = isBroadcast && [...instance.legs].find((taskId) => taskId !== work.taskId)
    if (other) violated(`instance ${instance.id} has two tasks of a broadcast: ${other} and ${work.taskId}`)
    instance.legs.add(work.taskId)
    if (!isKnown) instance.held.push({ work, attempt: work.attempt, delivery: undefined, needsClaim: false, ...fresh() })
    return this.#happens(0.1) ? undefined : { accepted: true }
  }

  #answerAssignment(instance: Instance, works: readonly WorkMessage[], isOld: boolean): AssignmentAnswer | undefined {
    const declined: string[] = []
    for (const work of works) {
      if (isHeld(instance, work)) continue
      const hasEnded = instance.ended.has(keyOf(work))
      const isFree = instance.held.length < CONCURRENCY && !isForeign(instance, work) && !instance.refused.has(keyOf(work))
      if (!hasEnded && (!isFree || this.#happens(0.2))) {
        instance.refused.add(keyOf(work))
        declined.push(work.taskId)
        continue
      }
      const needsClaim = isOld || hasEnded
      instance.held.push({ work, attempt: work.attempt, delivery: undefined, isAssigned: true, needsClaim, ...fresh() })
    }
    return this.#happens(0.2) ? undefined : { declined, held: instance.held.length, most: CONCURRENCY }
  }
}

const isHeld = (instance: Instance, work: WorkMessage) => instance.held.some((held) => isAttempt(held, work.taskId, work.attempt))

/** Another instance may have it, too. */
const isForAny = ({ isAssigned, delivery }: Held) => isAssigned === true || delivery !== undefined

/** It has ended there, and its report is stored. */
export function remember(instance: Instance, held: Held): void {
  const keys = isForAny(held) ? instance.ended : instance.done
  keys.add(keyOf(held.work)).add(`${held.work.taskId}#${held.attempt}`)
}
