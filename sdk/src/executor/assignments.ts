import { type AssignmentAnswer, CarillonError, HEADERS, type WorkMessage } from '@carillon/contracts'
import type { LoopClock } from '@carillon/wire/internal'
import type { Msg } from '@nats-io/transport-node'
import type { Link } from '../connection/link.ts'
import type { OnWarning } from '../warning.ts'
import { HeldTask, type HeldTasks } from './held-task.ts'
import type { Intake } from './intake.ts'
import type { Lane } from './lane.ts'
import { checkWork, mayRun, notUnderstood, taskIdOf } from './work.ts'

export interface AssignmentsOptions {
  readonly link: Pick<Link, 'publish'>
  readonly clock: LoopClock
  readonly session: string
  readonly held: HeldTasks
  readonly lanes: ReadonlyMap<string, Lane>
  readonly intake: Pick<Intake, 'isOpen' | 'isClosed' | 'mayBeOld' | 'isCancelled' | 'isRefused' | 'refuseAssigned' | 'claim'>
  readonly onWarning: OnWarning
}

/** What is the same for all tasks of one assignment. */
interface Arrival {
  readonly now: number
  readonly isOpen: boolean
  /** The message may have waited while this process was suspended. */
  readonly mayBeOld: boolean
}

/** Tasks of a handler that are held, and how many would be at most. */
interface Load {
  held: number
  readonly most: number
}

const ARRAY_BEGIN = '['.charCodeAt(0)
const noRoom = (): Load => ({ held: 0, most: 0 })
/** The message of an assignment is not kept with its tasks: it has the payloads of all of them. What others have in headers, they have in their bodies. */
const NO_MESSAGE = {}

/** Whether a message on `direct.<instance>` is an assignment: that is an array, while an offer is an object. */
export const isAssignment = ({ data }: Pick<Msg, 'data'>): boolean => data[0] === ARRAY_BEGIN

/**
 * Takes assignments: tasks of new runs that a coordinator sends to this instance, up to 500 in one request, as many as there is room for. The answer names those that are
 * declined, which go to the work queue in the same attempt: what runs, waits or has ended here must never be among them.
 */
export class Assignments {
  readonly #options: AssignmentsOptions

  constructor(options: AssignmentsOptions) {
    this.#options = options
  }

  /** A request on `direct.<instance>`. One for another process of this name is left to that, or to nobody. */
  take(message: Msg): void {
    const { link, session, onWarning } = this.#options
    if (message.reply === undefined || message.headers?.get(HEADERS.session) !== session) return
    let bodies: readonly unknown[]
    try {
      bodies = message.json<unknown[]>()
    } catch (error) {
      const { message: why } = error as Error
      onWarning(notUnderstood(message, new CarillonError('INVALID_JSON', `The body is not JSON: ${why}`, { cause: error })))
      return
    }
    link.publish(message.reply, JSON.stringify(this.#answer(bodies, message)))
  }

  #answer(bodies: readonly unknown[], message: Msg): AssignmentAnswer {
    const { clock, intake, lanes } = this.#options
    const now = clock.monotonic()
    const arrival = { now, isOpen: intake.isOpen, mayBeOld: intake.mayBeOld(now) }
    const declined: string[] = []
    let lane: Lane | undefined
    // Measured once: they are tasks of one handler, and none of them begins before this turn is over.
    let load = noRoom()
    for (const body of bodies) {
      const work = this.#read(body, { message, declined })
      if (work === undefined) continue
      if (work.handler !== lane?.handler.name) {
        lane = lanes.get(work.handler)
        load = lane && arrival.isOpen ? lane.load : noRoom()
      }
      if (lane === undefined || !this.#accepts(lane, load, { work, arrival })) declined.push(work.taskId)
    }
    // What is in the work queue comes first.
    return { declined, held: load.held, most: lane?.hasBacklog ? load.held : load.most }
  }

  /** One that cannot be read is declined, so that it is not lost: another instance may understand it. */
  #read(body: unknown, { message, declined }: { message: Msg; declined: string[] }): WorkMessage | undefined {
    try {
      return checkWork(body)
    } catch (error) {
      this.#options.onWarning(notUnderstood(message, error))
      const taskId = taskIdOf(body)
      if (taskId !== undefined) declined.push(taskId)
      return undefined
    }
  }

  /** Whether it is held or has ended here, from now on or already. */
  #accepts(lane: Lane, load: Load, { work, arrival }: { work: WorkMessage; arrival: Arrival }): boolean {
    const { held, intake } = this.#options
    if (held.find(work) !== undefined) return true
    // The broker may have lost the report of its end.
    const hasEnded = held.findEnded(work) !== undefined
    if (hasEnded && intake.isClosed) return true
    if (!hasEnded && (load.held >= load.most || lane.handler.kind !== undefined || !mayRun(lane.handler, work) || intake.isRefused(work))) {
      intake.refuseAssigned(work)
      return false
    }
    const task = new HeldTask(work, NO_MESSAGE, { heldAt: arrival.now, isAssigned: true })
    held.add(task)
    load.held++
    if (hasEnded || arrival.mayBeOld || work.claim || intake.isCancelled(work)) intake.claim(lane, task, false)
    else {
      held.mark(task, 'assigned')
      lane.add(task)
    }
    return true
  }
}
