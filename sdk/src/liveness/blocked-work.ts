import { releasedText, startedText } from '../executor/report-text.ts'
import type { AckReader, SlotTask } from './ack-slots.ts'

/** Beyond this a main thread that goes on claims what it has not begun: it may be released to other instances. */
const RELEASE_AFTER_MS = 10_000
/** Released tasks of one message. */
const TOGETHER = 100

/** How the thread speaks for the main thread. */
export interface Voice {
  /** Publishes into a stream; answers whether it is stored. @param messageId published again under it, it is stored once */
  report(text: string, messageId?: string): Promise<boolean>
  giveBack(ackSubject: string): void
}

/** A delivery that the main thread may not have read. */
export interface Unread {
  readonly ackSubject: string
  readonly data: Uint8Array
}

type Work = { readonly runId: string; readonly taskId: string; readonly attempt: number }

/**
 * The work of a main thread that stands still, because a handler computes: what it has begun is reported as begun, so that others see who runs it and its time limit counts.
 * Assigned tasks that it has not begun are released to other instances at once: nothing else would tell a coordinator that they only wait. Of a process that is to take no
 * work, what came from the work queue is released as well, after a while: the main thread does not ask before it begins that.
 */
export class BlockedWork {
  /** The main thread is to take no work. */
  isCordoned = false
  readonly #acks: AckReader
  readonly #voice: Voice
  readonly #session: string
  /** Reported while the main thread has stood still, or being reported. */
  readonly #started = new Set<string>()
  readonly #released = new Set<string>()
  /** Reports that assigned tasks are released, by message id, until they are stored. */
  readonly #unstored = new Map<string, string>()
  #releases = 0

  constructor(options: { acks: AckReader; voice: Voice; session: string }) {
    this.#acks = options.acks
    this.#voice = options.voice
    this.#session = options.session
  }

  /** The main thread goes on, and speaks for itself. */
  forget(): void {
    this.#started.clear()
    this.#released.clear()
  }

  /** Whether the delivery of a task was released: it is not kept alive any more. */
  isReleased(ackSubject: string): boolean {
    return this.#released.has(ackSubject)
  }

  /** To be called about every second while the main thread stands still. @param stillMs for how long it has */
  look(stillMs: number, unread: readonly Unread[]): void {
    for (const { work } of this.#acks.held('begun')) {
      const key = `${work.taskId}#${work.attempt}`
      if (this.#started.has(key)) continue
      this.#started.add(key)
      this.#say(startedText(withRun(work), this.#session, stillMs)).then((isStored) => {
        if (!isStored) this.#started.delete(key)
      })
    }
    this.#releaseAssigned()
    if (!this.isCordoned || stillMs < RELEASE_AFTER_MS) return
    for (const { ackSubject, work } of this.#acks.held('waiting')) if (ackSubject !== undefined) this.#release(ackSubject, withRun(work))
    // The main thread may have read a delivery, and begun its task, before it stood still.
    const begun = new Set([...this.#acks.held('begun'), ...this.#acks.held('reported')].map(({ work }) => work.taskId))
    for (const { ackSubject, data } of unread) {
      const work = workOf(data)
      if (work && !begun.has(work.taskId)) this.#release(ackSubject, work)
    }
  }

  /** To be called about every second, also when the main thread has gone on: it does not have these tasks any more. */
  reportReleases(): void {
    for (const [messageId, text] of this.#unstored)
      this.#say(text, messageId).then((isStored) => {
        if (isStored) this.#unstored.delete(messageId)
      })
  }

  #releaseAssigned(): void {
    const released = this.#acks.release().map(({ work }) => releasedText(withRun(work)))
    for (let from = 0; from < released.length; from += TOGETHER)
      this.#unstored.set(`${this.#session}-released-${++this.#releases}`, `[${released.slice(from, from + TOGETHER).join(',')}]`)
  }

  /** Reported before it is delivered to another instance, so that it does not count as the loss of this one. */
  #release(ackSubject: string, work: Work): void {
    if (this.#released.has(ackSubject)) return
    this.#released.add(ackSubject)
    this.#say(releasedText(work)).then((isStored) => {
      if (isStored) this.#voice.giveBack(ackSubject)
      else this.#released.delete(ackSubject)
    })
  }

  #say(text: string, messageId?: string): Promise<boolean> {
    return this.#voice.report(text, messageId).catch(() => false)
  }
}

/** The id of a task of a fan-out run begins with that of the run. */
const withRun = ({ taskId, attempt }: SlotTask['work']): Work => ({ runId: taskId.split('-', 1)[0] as string, taskId, attempt })

/** Undefined: what cannot be read is left to the main thread. */
function workOf(data: Uint8Array): Work | undefined {
  try {
    const work = JSON.parse(new TextDecoder().decode(data)) as Partial<Work> | null
    const { runId, taskId, attempt } = work ?? {}
    return typeof runId === 'string' && typeof taskId === 'string' && typeof attempt === 'number' ? { runId, taskId, attempt } : undefined
  } catch {
    return undefined
  }
}
