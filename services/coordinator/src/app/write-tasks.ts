import { isEnded } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { RunRecord, Store, TaskRecord, UpdateOutcome } from '@carillon/store'
import type { Decision } from '../domain/life.ts'
import type { WorkPublisher } from './publish-work.ts'
import type { RunWriter } from './write-runs.ts'

/** A task of a run with many, and the run: what is the same for all of them. */
export interface TaskOfRun {
  readonly task: TaskRecord
  readonly run: RunRecord
}

/** A decision about a task as it was known when deciding. */
export interface TaskChange extends TaskOfRun {
  readonly decision: Pick<Decision, 'expect'> & {
    readonly event?: Decision['event']
    readonly set: Decision['set'] & { readonly target?: string }
  }
}

/** Every write of a task of a run with many, and what follows from it: commit, then publish. */
export class TaskWriter {
  readonly #store: Store
  readonly #work: WorkPublisher
  readonly #runs: RunWriter
  readonly #clock: Clock
  /** Set once by the composition: timers, offers to one instance, and the planner. */
  arm: (due: { id: string; wakeAt: number }) => void = () => undefined
  offer: (leg: TaskOfRun) => void = () => undefined
  advance: (runId: string) => void = () => undefined

  constructor(options: { store: Store; work: WorkPublisher; writer: RunWriter; clock: Clock }) {
    this.#store = options.store
    this.#work = options.work
    this.#runs = options.writer
    this.#clock = options.clock
  }

  /** Tasks by id, each with its run. */
  async known(ids: readonly string[]): Promise<(TaskOfRun | undefined)[]> {
    return this.withRuns(await this.#store.tasks.get(ids))
  }

  /** Puts the runs to their tasks; one whose run is not there is undefined. */
  async withRuns(tasks: readonly (TaskRecord | undefined)[]): Promise<(TaskOfRun | undefined)[]> {
    const runIds = [...new Set(tasks.flatMap((task) => (task ? [task.runId] : [])))]
    const runs = new Map((await this.#store.runs.get(runIds)).map((run) => [run?.id, run]))
    return tasks.map((task) => {
      const run = task && runs.get(task.runId)
      return run && { task, run }
    })
  }

  /** Inserts tasks that tasks ask for, queued or waiting; answers which of them were not there. What follows from it is up to `follow`. */
  async insert(tasks: readonly TaskRecord[]): Promise<TaskRecord[]> {
    // What is expected already was made by a call before this one; whether it is published is not settled by being asked for again.
    const fresh = new Set(tasks.filter(({ id, state }) => state === 'queued' && !this.#work.isExpected(id)))
    for (const task of fresh) this.#work.expect(task.id, task.queuedAt ?? 0)
    try {
      const outcomes = await this.#store.tasks.insert(tasks)
      const created = tasks.filter((_, i) => outcomes[i] === 'created')
      for (const [i, task] of tasks.entries()) if (outcomes[i] !== 'created' && fresh.has(task)) this.#work.settled(task.id)
      return created
    } catch (error) {
      this.doubt(tasks)
      throw error
    }
  }

  /** What inserted tasks ask for. */
  follow(run: RunRecord, tasks: readonly TaskRecord[]): void {
    for (const task of tasks) if (task.state === 'queued') this.#work.publish({ run, task })
    if (tasks.some((task) => task.state === 'waiting')) this.advance(run.id)
  }

  /** Tasks of which it is not known whether they are to be published: they are looked at by the repair. */
  doubt(tasks: readonly TaskRecord[]): void {
    for (const task of tasks) if (task.state === 'queued') this.#work.refused.add(task.id)
  }

  /** Writes decisions; answers per item. */
  async write(changes: readonly TaskChange[]): Promise<UpdateOutcome[]> {
    if (changes.length === 0) return []
    for (const { task, decision } of changes)
      if (decision.set.state === 'queued' && task.target === null) this.#work.expect(task.id, decision.set.queuedAt ?? 0)
    const outcomes = await this.#store.tasks.update(
      changes.map(({ task, decision }) => ({ id: task.id, expect: { namespace: task.namespace, ...decision.expect }, set: decision.set })),
    )
    const ended = new Set<string>()
    for (const [i, { task, run, decision }] of changes.entries()) {
      if (outcomes[i] === 'applied') this.#follow({ task: { ...task, ...decision.set }, run }, ended)
      else if (decision.set.state === 'queued') this.#work.settled(task.id)
    }
    for (const runId of ended) this.advance(runId)
    return outcomes
  }

  /** What the state of a written task asks for. */
  #follow({ task, run }: TaskOfRun, ended: Set<string>): void {
    if (isEnded(task.state)) {
      this.#work.settled(task.id)
      ended.add(run.id)
      return
    }
    if (task.wakeAt !== null) this.arm({ id: task.id, wakeAt: task.wakeAt })
    if (task.state === 'queued') {
      if (task.target === null) this.#work.publish({ run, task })
      else this.offer({ task, run })
    } else if (task.state === 'cancelling' && task.owner) this.#runs.control(run.namespace, task.owner, { type: 'cancel', taskId: task.id })
  }

  now(): number {
    return this.#clock.now()
  }
}
