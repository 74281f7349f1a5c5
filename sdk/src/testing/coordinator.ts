import {
  CALLS,
  type Call,
  type CallInput,
  type CallOutput,
  type CallRequest,
  CarillonError,
  type ChildRunCall,
  type ChildRunView,
  isEnded,
  isTaskId,
  type JournalEntry,
  LIMITS,
  type LogView,
  type Page,
  type Progress,
  parseInput,
  printable,
  type Report,
  type RunView,
  type StartedRun,
  type StepCall,
  startRunSchema,
  type WorkMessage,
  writeJson,
} from '@carillon/contracts'
import { forever } from '../turn.ts'
import { mapTasks } from './fan-out.ts'
import type { Instance, Surroundings } from './instance.ts'
import { Journal } from './journal.ts'
import type { Task } from './life.ts'
import type { MeshClock } from './mesh-clock.ts'
import type { RunMemory } from './run-memory.ts'
import { notRunning, RunTable, type RunTableOptions } from './run-table.ts'
import { endedEvent, runView, taskView } from './views.ts'

export interface CoordinatorOptions extends RunTableOptions {
  /** A step is about to be stored, or has just been: its instance may crash. */
  readonly onStep: (call: StepCall, when: 'before' | 'after', instance: Instance) => void
}

type Answer = (request: never, instance: Instance) => unknown

const KEEPING = ['queued', 'running', 'paused', 'cancelling'] as const
const DATA = { field: 'data', maxBytes: LIMITS.jobDataBytes, tooLarge: 'DATA_TOO_LARGE', notJson: 'INVALID_JSON' } as const
const RESULT = { field: 'result', maxBytes: LIMITS.resultBytes, tooLarge: 'RESULT_TOO_LARGE', notJson: 'RESULT_NOT_JSON' } as const

/** Replaces coordinators, a registry and loggers in a test: answers the calls of executors and clients, from memory. */
export class Coordinator implements Surroundings {
  readonly clock: MeshClock
  readonly runs: RunTable
  /** Every report of progress, in order. */
  readonly progress: { readonly runId: string; readonly taskId: string; readonly progress: Progress }[] = []
  readonly logs: LogView[] = []
  /** What runs have left for the next ones, by handler: there are no jobs here. */
  readonly #memory = new Map<string, RunMemory>()
  readonly #options: CoordinatorOptions
  readonly #journal = new Journal()
  readonly #answers = new Map<Call, Answer>()
  /** Child runs, by task and key. */
  readonly #children = new Map<string, string>()

  constructor(options: CoordinatorOptions) {
    this.#options = options
    this.clock = options.clock
    this.runs = new RunTable(options)
    this.#serveClients()
    this.#serveExecutors()
  }

  /** As the service of that name would. @throws CarillonError of the service */
  async answer<C extends Call>(call: C, input: CallInput<C>, instance?: Instance): Promise<CallOutput<C>> {
    this.clock.touch()
    const answer = this.#answers.get(call) as ((request: unknown, instance: Instance | undefined) => unknown) | undefined
    if (!answer) throw notServed(call, [...this.#answers.keys()])
    const output = await answer(parseInput(call.input, asJson(input)), instance)
    this.clock.touch()
    return asJson(output) as CallOutput<C>
  }

  began(work: WorkMessage, instance: Instance): void {
    this.runs.began(work, instance)
  }

  progressed({ runId, taskId, attempt }: WorkMessage, progress: Progress): void {
    const { life } = this.runs.find(taskId)
    if (life.attempt !== attempt) return
    life.progress = progress
    this.progress.push({ runId, taskId, progress })
  }

  logged(line: LogView): void {
    this.logs.push(line)
  }

  reported(report: Report, instance: Instance): void {
    this.runs.reported(report, instance)
  }

  freed(): void {
    this.runs.advance()
  }

  memoryOf(handler: string): RunMemory {
    return this.#memory.get(handler) ?? { data: {}, nextAt: undefined }
  }

  /** The journal of a task, in order. */
  steps(taskId: string): JournalEntry[] {
    return this.#journal.read(this.runs.find(taskId).life, this.clock.now())
  }

  #serve<C extends Call>(call: C, answer: (request: CallRequest<C>, instance: Instance) => CallOutput<C> | Promise<CallOutput<C>>): void {
    this.#answers.set(call, answer)
  }

  #endOf(runId: string): CallOutput<typeof CALLS.runsEnded>['runs'][number] {
    try {
      const { run } = this.runs.find(runId)
      return isEnded(run.state) ? endedEvent(run) : { runId, state: run.state }
    } catch (error) {
      return { error: CarillonError.from(error).toBody() }
    }
  }

  #serveClients(): void {
    const { runs } = this
    this.#serve(CALLS.runsStart, (request) => ({ runs: request.runs.map((run) => this.#startOne(run)) }))
    this.#serve(CALLS.runsGet, ({ runId }) => runView(runs.find(runId).run))
    this.#serve(CALLS.runsEnded, ({ runIds }) => ({ runs: runIds.map((runId) => this.#endOf(runId as string)) }))
    this.#serve(CALLS.runsList, (query) => {
      const found = runs.all.map(runView).filter((run) => isListed(query, run))
      const { order } = query
      return { ...pageOf(order === 'oldest' ? found : found.reverse(), query), applied: { time: 'created' as const, order } }
    })
    this.#serve(CALLS.runsTasks, ({ runId, state, ...query }) => {
      const tasks = [...runs.find(runId).run.tasks.values()].filter((task) => state === undefined || task.state === state)
      return pageOf(tasks.sort((one, other) => (one.id < other.id ? -1 : 1)).map(taskView), query)
    })
    this.#serve(CALLS.runsCancel, ({ runId }) => {
      const { run } = runs.find(runId)
      runs.cancel(run)
      return runView(run)
    })
    this.#serve(CALLS.runsPause, ({ runId }) => {
      const { run } = runs.find(runId)
      runs.pause(run)
      return runView(run)
    })
    this.#serve(CALLS.runsResume, ({ runId }) => {
      const { run } = runs.find(runId)
      runs.resume(run)
      return runView(run)
    })
    this.#serve(CALLS.logsQuery, ({ runId, ...query }) =>
      pageOf(
        this.logs.filter((line) => line.runId === runId),
        query,
      ),
    )
  }

  #serveExecutors(): void {
    const { runs } = this
    this.#serve(CALLS.tasksMap, (call, instance) => {
      const { run, life } = runs.running(call, instance, ['queued', 'running'])
      if (!isTaskId(life.id) || run.state !== 'running') throw notRunning(call, `its run is ${run.state}`)
      const created = mapTasks(run, life as Task, call)
      runs.advance(run)
      return { created }
    })
    this.#serve(CALLS.tasksRun, (call, instance) => this.#childRun(call, instance))
    this.#serve(CALLS.tasksResults, ({ taskId, ...query }) => {
      const { reduces = [] } = runs.find(taskId).life as Partial<Task>
      return pageOf(
        reduces.map(({ id, result }) => ({ taskId: id, result: result ?? null })),
        query,
      )
    })
    this.#serve(CALLS.tasksNext, (call, instance) => {
      const { handler } = runs.running(call, instance, KEEPING).run
      const now = this.clock.now()
      const nextAt = iso(call.at === undefined ? now + (call.delayMs ?? 0) : Math.max(now, Date.parse(call.at)))
      this.#memory.set(handler, { ...this.memoryOf(handler), nextAt })
      return { nextAt }
    })
    this.#serve(CALLS.tasksData, (call, instance) => {
      const { handler } = runs.running(call, instance, KEEPING).run
      writeJson(call.data, DATA)
      this.#memory.set(handler, { ...this.memoryOf(handler), data: call.data })
      return { kept: true }
    })
    this.#serve(CALLS.tasksMemory, ({ taskId }) => {
      const { run } = runs.find(taskId)
      const last = runs.all.findLast(({ id, handler, state }) => handler === run.handler && state === 'succeeded' && id !== run.id)
      const { data } = this.memoryOf(run.handler)
      if (last?.endedAt === undefined) return { data }
      return { data, last: { runId: last.id, result: last.result ?? null, endedAt: iso(last.endedAt) } }
    })
    this.#serve(CALLS.tasksStep, (call, instance) => this.#storeStep(call, instance))
    this.#serve(CALLS.tasksJournal, ({ taskId, ...query }) => pageOf(this.steps(taskId), query))
  }

  /** Of handlers that wait in their process: steps end their attempt until someone queues their task again. */
  #childRun(call: ChildRunCall, instance: Instance): ChildRunView {
    this.runs.running(call, instance, ['queued', 'running'])
    if (call.step !== undefined) throw notHere('A test mesh has no child runs of steps', call.key)
    const key = `${call.taskId}/${call.key}`
    const runId = this.#children.get(key) ?? this.runs.start(parseInput(startRunSchema, call.run, 'run')).runId
    this.#children.set(key, runId)
    const { state, result, failure } = runView(this.runs.find(runId).run)
    return { runId, state, ...(state === 'succeeded' ? { result: result ?? null } : {}), ...(failure ? { failure } : {}) }
  }

  #startOne(request: unknown): StartedRun | { error: ReturnType<CarillonError['toBody']> } {
    try {
      return this.runs.start(parseInput(startRunSchema, request, 'run'))
    } catch (error) {
      return { error: CarillonError.from(error).toBody() }
    }
  }

  async #storeStep(call: StepCall, instance: Instance): Promise<{ stored: JournalEntry }> {
    const { life } = this.runs.running(call, instance, ['queued', 'running', 'cancelling'])
    if (call.outcome.type === 'waiting') throw notHere('A test mesh keeps no signals', call.name)
    if (call.outcome.type === 'done') writeJson(call.outcome.result ?? null, RESULT)
    this.#options.onStep(call, 'before', instance)
    if (instance.isCrashed) return forever()
    const stored = this.#journal.store(call, this.clock.now())
    // A task that makes progress is no poison, however often its instances die.
    if (call.outcome.type === 'done') life.losses = 0
    this.#options.onStep(call, 'after', instance)
    return { stored }
  }
}

const iso = (ms: number) => new Date(ms).toISOString()

/** As it comes out of the wire. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** @param query `cursor` is the number of items before */
function pageOf<Item>(items: readonly Item[], query: { cursor?: string | undefined; limit: number }): Page<Item> {
  const from = Number(query.cursor ?? 0)
  const to = from + query.limit
  return { items: items.slice(from, to), ...(to < items.length ? { next: String(to) } : {}) }
}

/** Nothing here would ever let it go on. */
function notHere(what: string, name: string): CarillonError {
  const hint = 'Test it with a mesh, such as that of carillon up.'
  return new CarillonError('INVALID_REQUEST', `${what}: it waits for ${printable(name)}`, { field: 'name', value: printable(name), hint })
}

function notServed({ noun, verb }: Call, served: readonly Call[]): CarillonError {
  const hint = `It answers ${served.map((call) => `${call.noun}.${call.verb}`).join(', ')}; for anything else use a mesh, such as that of carillon up.`
  return new CarillonError('NO_SERVICE', `A test mesh does not answer ${noun}.${verb}`, { value: `${noun}.${verb}`, hint })
}

/** As far as runs of a test differ in these. */
function isListed({ job, handler, key, state, trigger }: CallRequest<typeof CALLS.runsList>, run: RunView): boolean {
  const among = (names: string | readonly string[] | undefined, name: string) => names === undefined || [names].flat().includes(name)
  const is = (name: string | undefined, value: string | undefined) => name === undefined || name === value
  return is(job, run.job) && is(handler, run.handler) && is(key, run.key) && among(state, run.state) && among(trigger, run.trigger)
}
