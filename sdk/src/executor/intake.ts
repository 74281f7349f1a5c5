import {
  CALLS,
  CarillonError,
  type ClaimAnswer,
  controlSchema,
  HEADERS,
  type OfferAnswer,
  printable,
  type TaskClaim,
  TIMES,
  type WorkMessage,
} from '@carillon/contracts'
import { jitter, type LoopClock, pause, type Timer } from '@carillon/wire/internal'
import type { Msg } from '@nats-io/transport-node'
import type { Caller } from '../client/caller.ts'
import type { Link } from '../connection/link.ts'
import type { OnWarning } from '../warning.ts'
import { attemptKey, HeldTask, type HeldTasks } from './held-task.ts'
import type { Lane } from './lane.ts'
import { Remembered } from './remembered.ts'
import { releasedText } from './report-text.ts'
import { ACK, isSameMessage, mayRun, notUnderstood, readDelivery, readWork } from './work.ts'

export interface IntakeOptions {
  readonly link: Link
  readonly caller: Caller
  readonly clock: LoopClock
  readonly instance: string
  readonly session: string
  readonly held: HeldTasks
  readonly lanes: ReadonlyMap<string, Lane>
  readonly onWarning: OnWarning
  readonly onDrain: () => void
  readonly onRegister: () => void
  readonly onCordon: (isCordoned: boolean) => void
  /** Report, and call back when the broker has it. */
  readonly report: (text: string, stored: () => void) => void
}

const REMEMBERED = { forMs: 60_000, most: 10_000 }
const LONGEST_PAUSE_MS = 5_000
const TRIES_BEFORE_WARNING = 3
/** Work that was delivered before a pause of this length may have been redelivered to another instance. */
const LONG_PAUSE_MS = TIMES.ackWaitMs - 2_000
/** How long after a pause messages that waited in the connection are read. */
const STALE_FOR_MS = 2_000

/** Receives work, offers and control messages. Nothing that arrives here can end the process. */
export class Intake {
  readonly #options: IntakeOptions
  readonly #cancelled: Remembered
  readonly #doneOffers: Remembered
  readonly #refused: Remembered
  /** Released although it has begun: at most what ran when the drain was over. */
  readonly #begun = new Set<string>()
  /** Tasks with a claim under way, one claim each. */
  readonly #asking = new Map<HeldTask, { isCancelled: boolean }>()
  readonly #checks = new Set<Timer>()
  readonly #closing = new AbortController()
  /** What comes is released, and offers are refused. */
  isCordoned = false
  #forgetsUpTo = 0
  #awakeAt: number
  #staleUntil = 0

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#cancelled = new Remembered(options.clock, REMEMBERED)
    this.#doneOffers = new Remembered(options.clock, REMEMBERED)
    this.#refused = new Remembered(options.clock, REMEMBERED)
    this.#awakeAt = options.clock.monotonic()
  }

  /** From now on all work is released. */
  close(): void {
    this.#closing.abort()
    for (const timer of this.#checks) timer.cancel()
  }

  /**
   * After a restart of the broker: it may have lost the delivery state of messages up to this sequence, so a
   * first delivery of them may be a redelivery.
   */
  forgetsUpTo(sequence: number): void {
    this.#forgetsUpTo = sequence
  }

  /** To be called about every second: detects that this process was suspended, or blocked by a handler. Tasks that have not begun are claimed then. */
  awake(): void {
    const now = this.#options.clock.monotonic()
    const isAfterPause = now - this.#awakeAt > LONG_PAUSE_MS
    this.#awakeAt = now
    if (!isAfterPause) return
    this.#staleUntil = now + STALE_FOR_MS
    for (const lane of this.#options.lanes.values()) for (const task of lane.take(({ isForAny }) => isForAny)) this.claim(lane, task, false)
  }

  /** Whether a cancel of a task or of its run came before the task. */
  isCancelled({ taskId, runId }: WorkMessage): boolean {
    return this.#cancelled.has(taskId) || this.#cancelled.has(runId)
  }

  /** Whether a message that is read now may have waited in the connection while this process was suspended. */
  mayBeOld(now: number): boolean {
    return now < this.#staleUntil || now - this.#awakeAt > LONG_PAUSE_MS
  }

  /** Nothing is claimed or begun any more. */
  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Whether new tasks may begin here. */
  get isOpen(): boolean {
    return !this.isClosed && !this.isCordoned
  }

  /** A work message. @returns whether it takes up room now */
  takeWork(lane: Lane, message: Msg): boolean {
    const { link, held, clock } = this.#options
    const ackSubject = message.reply ?? ''
    const work = this.#read(message, lane.handler.name)
    if (work === undefined) {
      link.publish(ackSubject, ACK.remove)
      return false
    }
    const known = held.find(work)
    if (known) {
      held.redelivered(known, link, ackSubject)
      return false
    }
    const acknowledged = held.findEnded(work)
    const { count, sequence } = readDelivery(ackSubject)
    // A restarted broker may have lost the report as well: then the task is claimed.
    const isKept = sequence > this.#forgetsUpTo
    if (acknowledged !== undefined && isKept && isSameMessage(acknowledged, ackSubject)) {
      link.publish(ackSubject, ACK.done)
      return false
    }
    const now = clock.monotonic()
    const task = new HeldTask(work, message, { heldAt: now, ackSubject })
    // The attempt has ended here: no process died.
    const redelivered = count > 1 && acknowledged === undefined
    if (!this.isOpen) {
      this.#refuse(task, redelivered)
      return false
    }
    lane.pulled()
    held.add(task)
    // The run of a handler that maps, requested before that was known: it has to be planned.
    const isUnplanned = lane.handler.kind !== undefined && work.task === undefined
    const isForeign = !mayRun(lane.handler, work)
    const mayBeForgotten = acknowledged !== undefined || !isKept || this.mayBeOld(now)
    if (redelivered || isUnplanned || isForeign || work.claim || this.isCancelled(work) || mayBeForgotten)
      this.claim(lane, task, redelivered)
    else if (lane.isOverdrawn) this.release(task)
    else lane.add(task)
    return true
  }

  /** Whether an offer names the session of this process: a coordinator may know of its registration before this process has the answer. */
  hasOwnSession(message: Msg): boolean {
    return message.headers?.get(HEADERS.session) === this.#options.session
  }

  /** A task that is offered to this instance alone: a broadcast leg, or one that is routed. */
  takeOffer(message: Msg): void {
    // This process was declared lost, and another one has registered under its name.
    const session = message.headers?.get(HEADERS.session)
    if (session && session !== this.#options.session) return
    const work = this.#read(message)
    if (work === undefined || message.reply === undefined) return
    this.#options.link.publish(message.reply, JSON.stringify(this.#answerOffer(work, message)))
  }

  /** The report of an offered task is stored: if it is offered again, it is not run again. */
  offerDone(task: HeldTask): void {
    this.#doneOffers.add(attemptKey(task.work))
  }

  /** Whether a task that waits is still held; if the liveness thread has released it, nothing of it is left here. */
  keep(task: HeldTask): boolean {
    const { held } = this.#options
    if (held.keep(task)) return true
    held.remove(task)
    this.refuseAssigned(task.work)
    return false
  }

  /**
   * This attempt was assigned, and is not taken, or is released: it goes to the work queue. An assignment of it that is repeated, and was sent before that, must not make
   * it run here as well.
   */
  refuseAssigned(work: WorkMessage): void {
    this.#refused.add(attemptKey(work))
  }

  /** Whether this attempt was assigned, and will be in the work queue. */
  isRefused(work: WorkMessage): boolean {
    return this.#refused.has(attemptKey(work))
  }

  /** A control message on `control.<instance>`. */
  takeControl(message: Msg): void {
    let body: unknown
    try {
      body = message.json()
    } catch {
      body = message.string()
    }
    const order = controlSchema.safeParse(body)
    if (!order.success) {
      this.#options.onWarning({ code: 'message-not-understood', message: `${message.subject}: ${printable(body)} is no order` })
    } else if (order.data.type === 'cancel') this.#cancel(order.data.taskId)
    else if (order.data.type === 'check') this.#check(order.data)
    else if (order.data.type === 'drain') this.#options.onDrain()
    else if (order.data.type === 'cordon' || order.data.type === 'uncordon') this.#options.onCordon(order.data.type === 'cordon')
    else this.#options.onRegister()
  }

  /** Release what has not begun. It is reported before, so that it does not count as the loss of an instance. */
  release(task: HeldTask): void {
    this.#options.report(releasedText(task.work), () => this.#giveBack(task))
  }

  /** Release an aborted task, for another instance, as a further attempt. */
  giveBackBegun(task: HeldTask): void {
    this.#begun.add(attemptKey(task.work))
    this.#giveBack(task)
  }

  #giveBack(task: HeldTask): void {
    this.#options.held.remove(task)
    if (task.isAssigned) this.refuseAssigned(task.work)
    task.answer(this.#options.link, ACK.giveBack)
  }

  /** Work that arrives after the end, or while this executor is cordoned. Only a first delivery may be reported as released: a redelivery is decided by the next claim. */
  #refuse(task: HeldTask, redelivered: boolean): void {
    if (redelivered || this.#begun.has(attemptKey(task.work))) this.#giveBack(task)
    else this.release(task)
  }

  #drop(task: HeldTask): void {
    this.#options.held.remove(task)
    task.answer(this.#options.link, ACK.done)
  }

  #read(message: Msg, handler?: string): WorkMessage | undefined {
    try {
      const work = readWork(message)
      if (handler === undefined || work.handler === handler) return work
      throw new CarillonError('INVALID_REQUEST', `handler is wrong: ${printable(work.handler)} came to ${handler}`)
    } catch (error) {
      this.#options.onWarning(notUnderstood(message, error))
      return undefined
    }
  }

  #answerOffer(work: WorkMessage, message: Msg): OfferAnswer {
    const { held, lanes, clock } = this.#options
    const lane = lanes.get(work.handler)
    if (!lane) return { accepted: false, reason: 'unknown-handler' }
    // First of all: one that is refused may be run by another instance in the same attempt.
    if (held.find(work) || this.#doneOffers.has(attemptKey(work))) return { accepted: true }
    const reason = this.#refusal(lane, work)
    if (reason) return { accepted: false, reason }
    const task = new HeldTask(work, message, { heldAt: clock.monotonic() })
    held.add(task)
    // The cancel may have overtaken the offer.
    if (work.claim || this.isCancelled(work)) this.claim(lane, task, false)
    else lane.add(task, true)
    return { accepted: true }
  }

  #refusal(lane: Lane, work: WorkMessage): Extract<OfferAnswer, { accepted: false }>['reason'] | undefined {
    if (this.isClosed) return 'draining'
    if (!mayRun(lane.handler, work)) return 'other-program'
    if (this.isCordoned) return 'cordoned'
    return lane.takesOffers ? undefined : 'busy'
  }

  /**
   * Another instance received work that this process is known to run. If the report of its end was lost with the broker, it is released, so that it runs again.
   * Answered after a delay: an end that has just been stored is applied first.
   */
  #check(work: Pick<WorkMessage, 'runId' | 'taskId' | 'attempt'>): void {
    // The instance leaves before the answer is due; then its tasks are taken over.
    if (this.isClosed) return
    const timer = this.#options.clock.after(TIMES.ackWaitMs, () => {
      this.#checks.delete(timer)
      const isAsking = [...this.#asking.keys()].some((task) => task.work.taskId === work.taskId)
      if (!isAsking && !this.#options.held.find(work)) this.#options.report(releasedText(work), () => undefined)
    })
    this.#checks.add(timer)
  }

  /** @param id a task, or a run: all its tasks */
  #cancel(id: string): void {
    this.#cancelled.add(id)
    const isMeant = ({ work }: HeldTask) => work.taskId === id || work.runId === id
    for (const [task, question] of this.#asking) if (isMeant(task)) question.isCancelled = true
    for (const lane of this.#options.lanes.values()) {
      for (const attempt of lane.running) if (isMeant(attempt.task)) attempt.abort('cancel')
      for (const task of lane.take(isMeant)) {
        // The cancel may be older than the claim: then the next claim gets the current answer.
        if (task.isClaimed) this.release(task)
        // It has not begun. What waits for its end, because it might have, learns that from the claim.
        else this.claim(lane, task, false)
      }
    }
  }

  /** Redelivered work may be done, running elsewhere or cancelled: a coordinator decides. */
  claim(lane: Lane, task: HeldTask, redelivered: boolean): void {
    lane.asking++
    this.#answerToClaim(lane, task, redelivered)
      .finally(() => lane.asking--)
      .then((answer) => this.#takeAnswer(lane, task, answer))
      .catch((error: unknown) => {
        const message = `Task ${task.work.taskId} is released: ${CarillonError.from(error).message}`
        this.#options.onWarning({ code: 'work-not-understood', message })
        this.#unanswered(task)
      })
  }

  /** Its claim has no answer. A message is delivered again, and claimed then; an assignment had none, and is released as one that has not begun. */
  #unanswered(task: HeldTask): void {
    if (task.isAssigned) this.release(task)
    else this.#giveBack(task)
  }

  #takeAnswer(lane: Lane, task: HeldTask, answer: ClaimAnswer | undefined): void {
    if (answer === undefined) this.#unanswered(task)
    else if (answer.run) this.#takeClaimed(lane, task, answer)
    else this.#drop(task)
  }

  #takeClaimed(lane: Lane, task: HeldTask, { attempt, alone }: Extract<ClaimAnswer, { run: true }>): void {
    const { held, link } = this.#options
    const running = held.find({ ...task.work, attempt })
    if (running && running !== task) {
      held.remove(task)
      if (task.ackSubject !== undefined) held.redelivered(running, link, task.ackSubject)
      return
    }
    task.work = { ...task.work, attempt, ...(alone ? { alone } : {}) }
    task.isClaimed = true
    held.add(task)
    // The answer arrived after the drain began, or the cordon: what waited then has been released.
    if (this.isOpen) lane.add(task)
    else this.release(task)
  }

  /** Claimed again when a cancel arrived during the claim: the answer may be older than the cancel. */
  async #answerToClaim(lane: Lane, task: HeldTask, redelivered: boolean): Promise<ClaimAnswer | undefined> {
    const { kind } = lane.handler
    const question = { isCancelled: false }
    this.#asking.set(task, question)
    try {
      for (let isFirst = true; ; isFirst = false) {
        question.isCancelled = false
        const more = { ...(kind ? { kind } : {}), ...(mayRun(lane.handler, task.work) ? {} : { incompatible: true as const }) }
        const answer = await this.#askForClaim(task, { redelivered: redelivered && isFirst, ...more })
        if (!question.isCancelled || !answer?.run) return answer
      }
    } finally {
      this.#asking.delete(task)
    }
  }

  async #askForClaim(task: HeldTask, more: Pick<TaskClaim, 'redelivered' | 'kind' | 'incompatible'>): Promise<ClaimAnswer | undefined> {
    const { caller, clock, instance, session, onWarning } = this.#options
    const { taskId, attempt } = task.work
    for (let tries = 1; !this.isClosed; tries++) {
      try {
        return await caller.call(CALLS.tasksClaim, { taskId, attempt, instance, session, ...more }, { signal: this.#closing.signal })
      } catch (error) {
        if (this.isClosed) return undefined
        if (CarillonError.is(error) && error.code === 'RUN_NOT_FOUND') return { run: false as const, reason: 'unknown' }
        if (tries === TRIES_BEFORE_WARNING) {
          onWarning({ code: 'claim-delayed', message: `Task ${taskId} waits for a coordinator: ${CarillonError.from(error).message}` })
        }
      }
      await pause(clock, jitter(Math.min(100 * 2 ** tries, LONGEST_PAUSE_MS)), this.#closing.signal)
    }
    return undefined
  }
}
