import {
  CarillonError,
  type ChildRunCall,
  type ChildRunView,
  type ErrorCode,
  isEnded,
  parseInput,
  startRunSchema,
} from '@carillon/contracts'
import { derivedId } from '@carillon/runtime'
import type { RunHead, Store } from '@carillon/store'
import { ancestorsOf, checkNesting } from '../modes/workflow/rules/children.ts'
import type { RunningTasks, Starts } from '../ports.ts'
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
  readonly #cancel: (child: RunHead) => Promise<unknown>

  constructor(options: { store: Store; running: RunningTasks; start: Starts; cancelRun: (child: RunHead) => Promise<unknown> }) {
    this.#store = options.store
    this.#running = options.running
    this.#start = options.start
    this.#cancel = options.cancelRun
  }

  /** @throws CarillonError RUN_NOT_FOUND, TASK_NOT_RUNNING, NESTED_TOO_DEEP, or of the request */
  async execute(namespace: string, call: ChildRunCall): Promise<ChildRunView> {
    const work = await this.#running.running(namespace, call, STARTING)
    const [first, again] = idsOf(work, call)
    const [child, later] = await this.#store.runs.heads([first, again])
    const hasFailed = child !== undefined && isEnded(child.state) && child.state !== 'succeeded'
    const [id, there] = hasFailed ? [again, later] : [first, child]
    if (!there) await this.#startOne(work, call, id)
    return this.#view(id)
  }

  async #startOne({ run, task }: Work, call: ChildRunCall, id: string): Promise<void> {
    const { key: _key, id: _id, ...request } = parseInput(startRunSchema, call.run, 'run')
    const ancestors = ancestorsOf(run)
    checkNesting({ name: request.job ?? request.handler ?? '', isJob: request.job !== undefined }, ancestors)
    const { namespace } = run
    const origin = { namespace, trigger: 'run', traceparent: run.traceparent ?? undefined, by: run.by ?? undefined } as const
    const bytes = JSON.stringify(request).length
    const [outcome] = await this.#start.execute([{ ...origin, request, bytes, id, parent: { taskId: task.id, ancestors } }])
    // It is there: its job may have been changed since.
    if (CarillonError.is(outcome) && outcome.code !== 'KEY_CONFLICT') throw outcome
    try {
      await this.#running.running(namespace, call, STARTING)
    } catch (error) {
      // A cancel of the task that was decided before the insert did not reach the child. Any other error says nothing about the task.
      if (isCode(error, 'TASK_NOT_RUNNING') || isCode(error, 'RUN_NOT_FOUND')) await this.#cancelOpen(id)
      throw error
    }
  }

  async #cancelOpen(id: string): Promise<void> {
    const [child] = await this.#store.runs.heads([id])
    if (!child || isEnded(child.state)) return
    await this.#cancel(child).catch((error: unknown) => {
      if (!isCode(error, 'RUN_ENDED')) throw error
    })
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
function idsOf({ task }: Work, { taskId, key, step }: ChildRunCall): [first: string, again: string] {
  const { resume } = task
  const epoch = resume && step !== undefined && step >= resume.step ? resume.epoch : 0
  const first = derivedId('r', taskId, key, epoch)
  return [first, resume ? derivedId('r', taskId, key, epoch, resume.since) : first]
}

const isCode = (error: unknown, code: ErrorCode): boolean => CarillonError.is(error) && error.code === code
