import { type AssignmentAnswer, assignmentAnswerSchema, LIMITS, subjects } from '@carillon/contracts'
import { type Broker, type Clock, hadNoResponders, headersOf, type Logger, meter, pause } from '@carillon/runtime'
import type { RunHead, RunRecord, Store } from '@carillon/store'
import type { Assignments } from '../assignment-ports.ts'
import type { Presence, Runs } from '../ports.ts'
import type { Decision } from '../runs/rules/decision.ts'
import { workText } from '../runs/rules/views.ts'
import type { ReportBarrier } from './report-barrier.ts'
import {
  decideAssignedLoss,
  decideToCheckAgain,
  decideToQueue,
  decideToTakeAway,
  isAssigned,
  mayBeAssigned,
  nextCheckOfAssigned,
} from './rules/assigned.ts'
import { InstanceRoom } from './rules/instance-room.ts'
import { KNOWN_FOR_MS } from './rules/known-for.ts'

/** A process may compute, or collect garbage, for so long. */
const ANSWER_WITHIN_MS = 5_000
/** One that has had 10 s to begin a run that it was assigned. */
const ANSWER_OVERDUE_WITHIN_MS = 2_000
/** An instance that is not connected may be about to reconnect: it is asked once more after this. */
const RECONNECTED_WITHIN_MS = 5_000
/** Bytes of one request, about. */
const REQUEST_BYTES = 256 * 1024

/** An instance that may be assigned tasks of a handler. */
interface Candidate {
  readonly instance: string
  readonly room: InstanceRoom
  free: number
}

/** Runs of one handler that are assigned to one instance. */
interface Batch {
  readonly namespace: string
  readonly target: string
  readonly room: InstanceRoom
  readonly runs: RunRecord[]
  readonly texts: string[]
  bytes: number
}

/**
 * Assigns new single runs to instances that have free slots: the instance is stored with the run, and told in one request with the others of the same write. That
 * is a message for many runs, where the work queue stores, delivers and acknowledges one for each. What no instance has room for goes to the work queue.
 */
export class AssignRuns implements Assignments {
  readonly #options: AssignOptions
  readonly #outcomes = meter.counter('carillon.runs.assigned', 'Runs that were assigned as they were created, by what came of it')
  /** By namespace and handler, then by instance. */
  readonly #rooms = new Map<string, Map<string, InstanceRoom>>()

  constructor(options: AssignOptions) {
    this.#options = options
  }

  /** In place: nobody else has read the new records yet. */
  assign(runs: readonly RunRecord[]): void {
    const { clock } = this.#options
    const now = clock.monotonic()
    const checkAt = nextCheckOfAssigned(clock.now())
    const candidates = new Map<string, Candidate[]>()
    for (const run of runs) {
      if (!mayBeAssigned(run)) continue
      const key = keyOf(run)
      let some = candidates.get(key)
      if (some === undefined) {
        some = this.#candidates(run, now)
        candidates.set(key, some)
      }
      const best = withMostRoom(some)
      if (best === undefined) continue
      best.free--
      best.room.add(run.id)
      const assigned: { -readonly [Key in keyof RunRecord]: RunRecord[Key] } = run
      assigned.target = best.instance
      assigned.ownerSession = best.room.session
      assigned.queuedAt = null
      assigned.wakeAt = checkAt
    }
  }

  send(runs: readonly RunRecord[], knownAt: number): void {
    // This process was suspended: the check of a run has come, and its instance may have done it.
    if (this.#options.clock.monotonic() - knownAt > KNOWN_FOR_MS) return
    const batches = new Map<string, Batch>()
    const unsent: RunRecord[] = []
    for (const run of runs) {
      if (!isAssigned(run)) continue
      const target = run.target as string
      const room = this.#rooms.get(keyOf(run))?.get(target)
      // The instance has left, or was restarted under its name, while the run was stored.
      if (room?.session !== run.ownerSession) {
        unsent.push(run)
        continue
      }
      const key = `${keyOf(run)}.${target}`
      let batch = batches.get(key)
      if (batch !== undefined && (batch.bytes > REQUEST_BYTES || batch.runs.length === LIMITS.assignedTogether)) {
        this.#request(batch)
        batch = undefined
      }
      if (batch === undefined) {
        batch = { namespace: run.namespace, target, room, runs: [], texts: [], bytes: 0 }
        batches.set(key, batch)
      }
      const text = textOf(run)
      batch.runs.push(run)
      batch.texts.push(text)
      batch.bytes += text.length
    }
    for (const batch of batches.values()) this.#request(batch)
    if (unsent.length === 0) return
    this.#outcomes.add(unsent.length, { outcome: 'not-sent' })
    this.#toQueue(unsent).catch(this.#unqueued)
  }

  notStored(run: RunRecord): void {
    if (run.target !== null) this.#rooms.get(keyOf(run))?.get(run.target)?.remove(run.id)
  }

  written(run: RunHead, { event, set }: Decision): void {
    const { state } = set
    if (run.target === null) return
    if (event === 'checked') {
      if (state === undefined && isAssigned(run) && set.wakeAt != null) this.#askOverdue(run)
    } else if (state !== undefined && state !== 'running' && state !== 'cancelling')
      this.#rooms.get(keyOf(run))?.get(run.target)?.remove(run.id)
  }

  check(run: RunHead): Decision {
    return decideToCheckAgain(run, this.#options.clock.now())
  }

  /** That it is checked is stored: what other coordinators were about to decide is refused from now on. */
  #askOverdue({ id }: RunHead): void {
    this.#assignAgain([id], { isOverdue: true }).catch((error: unknown) =>
      this.#options.log.warn(
        { evt: 'assignment.unchecked', runId: id, err: error },
        'an assigned run could not be checked; it is checked again',
      ),
    )
  }

  assignedTo(namespace: string, instance: string): string[] {
    const ids: string[] = []
    for (const [key, rooms] of this.#rooms) if (key.startsWith(`${namespace}.`)) ids.push(...(rooms.get(instance)?.assigned ?? []))
    return ids
  }

  gone(namespace: string, instance: string): void {
    for (const [key, rooms] of this.#rooms) {
      if (!key.startsWith(`${namespace}.`)) continue
      rooms.delete(instance)
      if (rooms.size === 0) this.#rooms.delete(key)
    }
  }

  /** None where an instance takes no assignments: it would be left without work. None of a handler that maps, whose runs are planned. */
  #candidates(run: RunRecord, now: number): Candidate[] {
    const { presence } = this.#options
    const { namespace, handler } = run
    if (presence.kindOf(namespace, handler) !== undefined) return []
    const offering = presence.offering(namespace, handler)
    if (!offering.every(({ assignments, session }) => assignments === true && session !== undefined)) return []
    const key = keyOf(run)
    let rooms = this.#rooms.get(key)
    if (rooms === undefined) {
      rooms = new Map()
      this.#rooms.set(key, rooms)
    }
    const candidates: Candidate[] = []
    for (const { instance, session = '' } of offering) {
      let room = rooms.get(instance)
      if (room?.session !== session) {
        room = new InstanceRoom(session)
        rooms.set(instance, room)
      }
      candidates.push({ instance, room, free: room.free(now) })
    }
    return candidates
  }

  #request({ target, room, runs, texts }: Batch): void {
    const { clock, log } = this.#options
    const request = room.sent(runs.length, clock.monotonic())
    this.#tell(runs, { texts, timeout: ANSWER_WITHIN_MS })
      .then(
        (answer) => {
          room.answered(request, answer, clock.monotonic())
          this.#outcomes.add(runs.length - answer.declined.length, { outcome: 'taken' })
          this.#outcomes.add(answer.declined.length, { outcome: 'declined' })
          return this.#declined(runs, answer)
        },
        (error: unknown) => {
          room.answered(request, undefined, clock.monotonic())
          log.debug({ evt: 'assignment.unanswered', target, err: error }, 'an assignment had no answer')
          // It cannot have been received.
          const isLost = hadNoResponders(error)
          this.#outcomes.add(runs.length, { outcome: isLost ? 'no-responders' : 'unanswered' })
          if (isLost) return this.#toQueue(runs)
          return this.#assignAgain(
            runs.map(({ id }) => id),
            { isOverdue: false },
          )
        },
      )
      .catch(this.#unqueued)
  }

  /** @param runs of one handler, of one process @throws without an answer */
  async #tell(runs: readonly RunRecord[], { texts, timeout }: { texts: readonly string[]; timeout: number }): Promise<AssignmentAnswer> {
    const [{ namespace, target, ownerSession }] = runs as readonly [RunRecord]
    const options = { timeout, ...headersOf({ session: ownerSession ?? undefined }) }
    const { connection } = this.#options.broker
    return assignmentAnswerSchema.parse(
      (await connection.request(subjects.direct(namespace, target as string), `[${texts.join(',')}]`, options)).json(),
    )
  }

  readonly #unqueued = (error: unknown): void =>
    this.#options.log.error({ evt: 'assignment.failed', err: error }, 'assigned runs could not be queued; it is tried again')

  async #declined(runs: readonly RunRecord[], { declined }: AssignmentAnswer, options: { mayBeThere?: true } = {}): Promise<void> {
    if (declined.length === 0) return
    const ids = new Set(declined)
    await this.#toQueue(
      runs.filter(({ id }) => ids.has(id)),
      options,
    )
  }

  async #toQueue(runs: readonly RunRecord[], options: { mayBeThere?: true } = {}): Promise<void> {
    for (const run of runs) this.notStored(run)
    await this.#write(runs, (run, now) => decideToQueue(run, { now, ...options }))
  }

  async #write(runs: readonly RunRecord[], decide: (run: RunRecord, now: number) => Decision): Promise<void> {
    const now = this.#options.clock.now()
    await this.#options.runs().write(runs.map((run) => ({ run, decision: decide(run, now) })))
  }

  #isGone([{ namespace, target, ownerSession }]: readonly [RunRecord, ...RunRecord[]]): boolean {
    return this.#options.presence.isLost(namespace, target as string, ownerSession)
  }

  /**
   * Whether an instance has received an assignment is not known: it is sent once more, and each of its runs that the instance holds, or that has ended there, is not among the
   * declined ones. Reports are applied before, since it may have done them. @param ids of runs that were assigned in one request @param options.isOverdue it has had the time
   * to begin them: if it is gone, or does not answer now, another one gets them
   */
  async #assignAgain(ids: readonly string[], { isOverdue }: { isOverdue: boolean }): Promise<void> {
    const { store, reports, clock } = this.#options
    if (!(await reports.passed())) return
    for (let isLast = false; ; isLast = true) {
      const knownAt = clock.monotonic()
      const assigned = (await store.runs.get(ids)).filter((run) => run !== undefined && isAssigned(run)) as RunRecord[]
      // This process was suspended: the next check has come.
      if (assigned.length === 0 || clock.monotonic() - knownAt > KNOWN_FOR_MS) return
      if (isOverdue && this.#isGone(assigned as [RunRecord])) return this.#write(assigned, decideAssignedLoss)
      const timeout = isOverdue ? ANSWER_OVERDUE_WITHIN_MS : ANSWER_WITHIN_MS
      const askedAt = clock.monotonic()
      const answer = await this.#tell(assigned, { texts: assigned.map(textOf), timeout }).catch(failureOf)
      if (typeof answer === 'object') return this.#declined(assigned, answer, { mayBeThere: true })
      // The same if it was suspended while it waited: there may have been an answer.
      if (!isOverdue || clock.monotonic() - askedAt > KNOWN_FOR_MS) return
      if (answer === 'unanswered' || isLast) {
        this.#outcomes.add(assigned.length, { outcome: 'taken-away' })
        return this.#write(assigned, decideToTakeAway)
      }
      await pause(clock, RECONNECTED_WITHIN_MS)
    }
  }
}

interface AssignOptions {
  readonly store: Store
  readonly broker: Broker
  readonly presence: Presence
  readonly reports: Pick<ReportBarrier, 'passed'>
  readonly runs: () => Pick<Runs, 'write'>
  readonly clock: Clock
  readonly log: Logger
}

const failureOf = (error: unknown) => (hadNoResponders(error) ? 'not-received' : 'unanswered')

const keyOf = ({ namespace, handler }: Pick<RunHead, 'namespace' | 'handler'>) => `${namespace}.${handler}`

function withMostRoom(candidates: readonly Candidate[]): Candidate | undefined {
  let best: Candidate | undefined
  for (const candidate of candidates) if (candidate.free > (best?.free ?? 0)) best = candidate
  return best
}

/** The body of a work message, with what others have in headers. */
function textOf(run: RunRecord): string {
  const text = workText(run, run)
  return run.traceparent === null ? text : `{"traceparent":${JSON.stringify(run.traceparent)},${text.slice(1)}`
}
