import { messageOf } from '@carillon/contracts'
import { freshRunId } from '@carillon/runtime'
import { pause } from '../../clock.ts'
import type { Body, Case, Expect, Never, Send, Step } from './case.ts'
import type { Driver } from './driver.ts'
import { filled, fits } from './match.ts'
import type { Observation } from './observed.ts'

const WITHIN_MS = 10_000
/** Observations that belong to no task. */
const OF_PROCESS = ['beat', 'alive', 'exit', 'instances.register', 'instances.leave']
const SHOWN = 8

/** One case, played once. */
export class Play {
  readonly case: Case
  readonly #driver: Driver
  readonly #runId = freshRunId()
  readonly #ids: string[]
  readonly #begin: number
  readonly #left: Step[]
  #cursor = 0

  constructor(driver: Driver, given: Case) {
    this.case = given
    this.#driver = driver
    this.#ids = [this.#runId]
    this.#left = [...given.steps]
    this.#begin = given.when === 'early' ? 0 : driver.observed.all.length
    this.#cursor = this.#begin
  }

  /** What comes before the first expectation. */
  async prepare(): Promise<void> {
    while (this.#left[0] && !('expect' in this.#left[0])) await this.#take(this.#left.shift() as Step)
  }

  /** @returns why the case fails, as text; undefined when it passes */
  async end(): Promise<string | undefined> {
    try {
      for (const step of this.#left) await this.#take(step)
      return undefined
    } catch (error) {
      return messageOf(error)
    }
  }

  async #take(step: Step): Promise<void> {
    const filledStep = filled(step, this.#values)
    if ('send' in filledStep) await this.#send(filledStep)
    else if ('answer' in filledStep) this.#driver.answerNext(filledStep.answer, this.#runId, filledStep.body)
    else if ('expect' in filledStep) await this.#expect(filledStep)
    else await this.#never(filledStep)
  }

  get #values(): Record<string, string> {
    const { instance = '', session = '' } = this.#driver.registration ?? {}
    return { run: this.#runId, task: this.#runId, instance, session }
  }

  #work(body: Body = {}, runId = this.#runId): Body & { handler: string; taskId: string } {
    return { runId, taskId: runId, handler: this.case.needs ?? '', attempt: 1, payload: null, ...body }
  }

  async #send(step: Send): Promise<void> {
    const { queue } = this.#driver
    if (step.send === 'work') {
      const work = this.#work(step.body)
      if (step.replaces) await queue.remove(work.taskId)
      await queue.put(work, step.text ?? JSON.stringify(work))
      if (step.deliveredBefore) await queue.deliverOnce(work.handler)
    } else if (step.send === 'redelivery') await queue.redeliver(this.#runId)
    else if (step.send === 'claim-up-to') this.#driver.claimUpTo = queue.lastSequence + step.further
    else if (step.send === 'offer' || step.send === 'assignment') await this.#driver.send(step.send, this.#work(step.body), step.session)
    else if (step.send === 'offers-until-busy') await this.#offerUntilBusy(step.body)
    else await this.#driver.send(step.send, step.send === 'control' ? step.body : {})
  }

  async #offerUntilBusy(body: Body | undefined): Promise<void> {
    const { capacity = 1 } = this.#driver.registration ?? {}
    for (let count = 0; count <= capacity; count++) {
      const work = this.#work(body, freshRunId())
      this.#ids.push(work.taskId)
      await this.#driver.send('offer', work)
      const answer = this.#driver.observed.all.findLast(({ kind, about }) => kind === 'offer-answer' && about === work.taskId)
      if (fits({ accepted: false, reason: 'busy' }, answer?.body)) return
    }
    throw new Error(`it accepted ${capacity + 1} tasks at once, and has registered a capacity of ${capacity}`)
  }

  async #expect({ expect, body = {}, withinMs = WITHIN_MS, anywhere }: Expect): Promise<void> {
    const wanted = Array.isArray(body) ? body : [body]
    const late = new AbortController()
    const timeout = pause(withinMs, late.signal)
    let isLate = false
    try {
      for (;;) {
        const from = anywhere ? this.#begin : this.#cursor
        const index = this.#driver.observed.all.findIndex(
          (seen, i) => i >= from && this.#isMine(seen) && seen.kind === expect && fitsOne(wanted, seen),
        )
        if (index >= 0) {
          if (!anywhere) this.#cursor = index + 1
          return
        }
        if (isLate) throw new Error(`expected ${expect} ${JSON.stringify(body)} within ${withinMs / 1_000} s; ${this.#seen()}`)
        isLate = (await Promise.race([timeout, this.#driver.observed.next()])) === true
      }
    } finally {
      late.abort()
    }
  }

  async #never({ never, body = {}, times = 0, forMs = 0 }: Never): Promise<void> {
    if (forMs > 0) await pause(forMs)
    const found = this.#mine().filter((seen) => seen.kind === never && fitsOne([body], seen))
    const often = times === 0 ? '' : ` more than ${times} times`
    if (found.length > times) throw new Error(`it must not send ${never}${often}: ${JSON.stringify(found.at(-1)?.body)}; ${this.#seen()}`)
  }

  #isMine({ kind, about }: Observation): boolean {
    return OF_PROCESS.includes(kind) || this.#ids.some((id) => about === id || about?.startsWith(`${id}-`))
  }

  #mine(): Observation[] {
    return this.#driver.observed.all.slice(this.#begin).filter((seen) => this.#isMine(seen))
  }

  #seen(): string {
    const seen = this.#mine().filter(({ kind }) => kind !== 'beat')
    const text = seen.slice(-SHOWN).map(({ kind, body }) => (kind === 'instances.register' ? kind : `${kind} ${JSON.stringify(body)}`))
    return text.length === 0 ? 'nothing was seen' : `seen: ${text.join(' · ')}`
  }
}

const fitsOne = (wanted: readonly unknown[], { body }: Observation) => wanted.some((one) => isEmpty(one) || fits(one, body))
const isEmpty = (wanted: unknown) => typeof wanted === 'object' && wanted !== null && Object.keys(wanted).length === 0
