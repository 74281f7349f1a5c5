import {
  CarillonError,
  type ChildRunCall,
  type ChildRunView,
  type ErrorCode,
  isEnded,
  parseInput,
  type StartRun,
  startRunSchema,
} from '@carillon/contracts'
import { derivedId } from '@carillon/runtime'
import type { RunHead, Store } from '@carillon/store'
import type { ParentTasks } from '../child-ports.ts'
import { checkNesting, parentOf } from '../modes/workflow/rules/children.ts'
import type { RunningTasks, Starts } from '../ports.ts'
import { causeOf } from '../runs/rules/causes.ts'
import type { StartItem } from '../runs/rules/start-item.ts'
import type { Work } from '../runs/rules/work.ts'

const STARTING = ['queued', 'running'] as const

/**
 * Child runs that handlers start. The id of one follows from its task and the key of the call, so that a later attempt finds it; one that did not succeed is followed by
 * another one when its task is tried again.
 */
export class RunChild {
  readonly #store: Store
  readonly #running: RunningTasks
  readonly #start: Starts
  readonly #parents: ParentTasks

  constructor(options: { store: Store; running: RunningTasks; start: Starts; parents: ParentTasks }) {
    this.#store = options.store
    this.#running = options.running
    this.#start = options.start
    this.#parents = options.parents
  }

  /** @throws CarillonError RUN_NOT_FOUND, TASK_NOT_RUNNING, NESTED_TOO_DEEP, or of the request */
  async execute(namespace: string, call: ChildRunCall): Promise<ChildRunView> {
    const work = await this.#running.running(namespace, call, STARTING)
    if (call.detached) return this.#detached(work, call)
    const [first, again] = idsOf(work, call)
    const [child, later] = await this.#store.runs.heads([first, again])
    const hasFailed = child !== undefined && isEnded(child.state) && child.state !== 'succeeded'
    const [id, there] = hasFailed ? [again, later] : [first, child]
    if (!there) await this.#startOne(work, call, id)
    return this.#view(id)
  }

  async #startOne({ run, task }: Work, call: ChildRunCall, id: string): Promise<void> {
    const request = requestOf(call)
    const parent = parentOf(run, task)
    checkNesting({ name: request.job ?? request.handler ?? '', isJob: request.job !== undefined }, parent.ancestors)
    await this.#insert(run, { id, request, parent })
    try {
      await this.#running.running(run.namespace, call, STARTING)
    } catch (error) {
      // A cancel of the task that was decided before the insert did not reach the child. Any other error says nothing about the task: the `wakeAt` of the child does.
      if (isCode(error, 'TASK_NOT_RUNNING') || isCode(error, 'RUN_NOT_FOUND')) await this.#checkOpen(id)
      throw error
    }
  }

  /** It is part of the chain of its run, as what that fires is: one that starts itself has an end. */
  async #detached({ run, task }: Work, call: ChildRunCall): Promise<ChildRunView> {
    const id = derivedId('r', 'detached', task.id, call.key, epochOf(task, call))
    const [there] = await this.#store.runs.heads([id])
    const { withinRetry } = parentOf(run, task)
    const request = { ...(withinRetry === undefined ? {} : { withinRetry }), ...requestOf(call) }
    if (!there) await this.#insert(run, { id, request, cause: causeOf(run, { isPublished: false }) })
    return this.#view(id)
  }

  async #insert(run: RunHead, given: Pick<StartItem, 'request' | 'parent' | 'cause'> & { readonly id: string }): Promise<void> {
    const { namespace, traceparent, by } = run
    const origin = { namespace, trigger: 'run', traceparent: traceparent ?? undefined, by: by ?? undefined } as const
    const bytes = JSON.stringify(given.request).length
    const [outcome] = await this.#start.execute([{ ...origin, ...given, bytes }])
    // It is there: its job may have been changed since.
    if (CarillonError.is(outcome) && outcome.code !== 'KEY_CONFLICT') throw outcome
  }

  async #checkOpen(id: string): Promise<void> {
    const [child] = await this.#store.runs.heads([id])
    if (child) await this.#parents.check([child])
  }

  async #view(id: string): Promise<ChildRunView> {
    const [child] = await this.#store.runs.get([id])
    if (!child) throw new CarillonError('CONCURRENT_CHANGE', `run ${id} is being stored; ask again`)
    const { state, result, error } = child
    return {
      runId: id,
      state,
      ...(state === 'succeeded' && result !== null ? { result: JSON.parse(result) as unknown } : {}),
      ...(error ? { failure: error } : {}),
    }
  }
}

/** The child run of a call, and the one that follows it when it did not succeed: from the last retry of its task on. */
function idsOf({ task }: Work, call: ChildRunCall): [first: string, again: string] {
  const { resume } = task
  const { taskId, key } = call
  const epoch = epochOf(task, call)
  const first = derivedId('r', taskId, key, epoch)
  return [first, resume ? derivedId('r', taskId, key, epoch, resume.since) : first]
}

/** A restart from a step before it starts another one. */
const epochOf = ({ resume }: Work['task'], { step }: ChildRunCall): number =>
  resume && step !== undefined && step >= resume.step ? resume.epoch : 0

function requestOf({ run }: ChildRunCall): Omit<StartRun, 'key' | 'id'> {
  const { key: _key, id: _id, ...request } = parseInput(startRunSchema, run, 'run')
  return request
}

const isCode = (error: unknown, code: ErrorCode): boolean => CarillonError.is(error) && error.code === code
