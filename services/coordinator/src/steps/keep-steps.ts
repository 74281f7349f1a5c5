import {
  CarillonError,
  type JournalEntry,
  type JournalPage,
  LIMITS,
  type StepCall,
  undeclaredProgram,
  writeJson,
} from '@carillon/contracts'
import { Batcher, type Clock, pageThatFits } from '@carillon/runtime'
import type { InsertOutcome, StepRecord, Store } from '@carillon/store'
import { livesOf } from '../lives.ts'
import type { Lives, RunningTasks } from '../ports.ts'
import { NO_LOSSES } from '../runs/rules/loss.ts'
import { notRunning, runsIn } from '../runs/rules/running-task.ts'
import type { Work } from '../runs/rules/work.ts'
import type { Waits } from '../signal-ports.ts'
import { answeredAt, entriesOf, stepRecord } from './rules/journal.ts'

/** Completed steps are stored also while their run is being cancelled. */
const STORING = ['queued', 'running', 'paused', 'cancelling'] as const
const RESULT = { field: 'result', maxBytes: LIMITS.resultBytes, tooLarge: 'RESULT_TOO_LARGE', notJson: 'RESULT_NOT_JSON' } as const

/** Stores the results of steps of durable tasks in the journal: a step is stored before the next one begins. */
export class KeepSteps {
  readonly #store: Store
  readonly #lives: Lives
  readonly #running: RunningTasks
  readonly #waits: Waits
  readonly #clock: Clock
  readonly #batcher: Batcher<StepRecord, InsertOutcome>

  constructor(options: {
    store: Store
    lives: Lives
    running: RunningTasks
    waits: Waits
    clock: Clock
    batch: { maxItems: number; maxInFlight: number }
  }) {
    this.#store = options.store
    this.#lives = options.lives
    this.#running = options.running
    this.#waits = options.waits
    this.#clock = options.clock
    this.#batcher = new Batcher({
      ...options.batch,
      bytesOf: ({ result }) => result?.length ?? 0,
      run: (steps) => this.#store.steps.insert(steps),
    })
  }

  /**
   * Stores a step, unless it is stored already. Answers what is stored: of two executions of one step the first counts.
   * @throws CarillonError RUN_NOT_FOUND, TASK_NOT_RUNNING, RESULT_TOO_LARGE
   */
  async store(namespace: string, call: StepCall): Promise<{ stored: JournalEntry }> {
    // A step of an attempt that has just ended elsewhere was done nevertheless: a later attempt may use its result.
    const work = await this.#running.ranRecently(namespace, call, STORING)
    const program = call.program ?? undeclaredProgram(work.run.handler)
    if (work.task.program !== program) await this.#bind(work, call, program)
    const { outcome } = call
    const result = outcome.type === 'done' ? writeJson(outcome.result ?? null, RESULT) : null
    const record = stepRecord(call, { namespace, resume: work.task.resume, result, now: this.#clock.now() })
    const isCreated = (await this.#batcher.add(record)) === 'created'
    // A task that makes progress is no poison, however often its instances die.
    if ((outcome.type === 'done' || outcome.type === 'waiting') && (work.task.losses > 0 || work.task.interruptions !== null))
      await this.#getsOn(work, call)
    const stored = outcome.type === 'waiting' ? await this.#settled(record, outcome) : isCreated ? record : await this.#there(record)
    return { stored: answeredAt(entriesOf([stored], null)[0] as JournalEntry, this.#clock.now()) }
  }

  /** The journal of a task. @throws CarillonError RUN_NOT_FOUND */
  async read(namespace: string, query: { taskId: string; cursor?: string | undefined; limit: number }): Promise<JournalPage> {
    const work = await this.#running.find(namespace, query.taskId)
    const now = this.#clock.now()
    const page = await pageThatFits(
      (maxBytes) => this.#store.steps.list({ ...query, maxBytes }),
      (steps) => entriesOf(steps, work.task.resume).map((entry) => answeredAt(entry, now)),
    )
    return work.task.program === null ? page : { ...page, program: work.task.program }
  }

  /**
   * Before its first step is stored, and where an instance that accepts its program has taken it over: what that stores, the earlier program may not know. A life
   * that is known to run is written through memory, which its next steps go by.
   */
  async #bind(work: Work, call: StepCall, program: string): Promise<void> {
    const { id, state } = work.task
    const change = { expect: runsIn(call, STORING), set: { program } }
    if (state === 'running') {
      const [outcome] = await this.#lives.write([{ ...work, decision: { event: 'checked', ...change } }])
      if (CarillonError.is(outcome)) throw outcome
      if (outcome === 'applied') return
    }
    const [outcome] = await livesOf(this.#store, work).update([{ id, ...change }])
    this.#lives.forget([id])
    if (outcome !== 'applied') throw notRunning(call, 'it has ended, or another instance has it')
  }

  async #there(record: StepRecord): Promise<StepRecord> {
    return (await this.#store.steps.get([record.id]))[0] ?? record
  }

  /** What became of a wait: a signal may be there already, or its time may be over. */
  async #settled(record: StepRecord, options: { isBehind?: boolean | undefined }): Promise<StepRecord> {
    return (await this.#waits.outcome(record.namespace, record, options)) ?? this.#there(record)
  }

  async #getsOn(work: Work, call: StepCall): Promise<void> {
    const { id } = work.task
    await livesOf(this.#store, work).update([{ id, expect: runsIn(call, STORING), set: NO_LOSSES }])
    this.#lives.forget([id])
  }
}
