import { setImmediate as nextTurn } from 'node:timers/promises'
import { CarillonError, isTaskId, type JournalEntry, LIMITS, type Page, printable, type StepCall, writeJson } from '@carillon/contracts'
import { Batcher, type Clock, pageThatFits } from '@carillon/runtime'
import type { InsertOutcome, Resume, RunHead, StepRecord, Store } from '@carillon/store'
import type { Work } from '../dispatch/work-stream.ts'
import { runNotFound } from '../runs/read-runs.ts'
import { retriedAt } from '../runs/rules/life.ts'
import { NO_LOSSES } from '../runs/rules/loss.ts'
import { checkRuns, findWork, runsIn } from '../runs/running-task.ts'
import type { RunWriter } from '../runs/write-runs.ts'
import { answeredAt, entriesOf, stepRecord } from './rules/journal.ts'

/** Steps that are read for their names come with their results. */
const NAMES_PAGE_BYTES = 2 * 1024 * 1024
/** What is done is stored also while its run is being cancelled. */
const STORING = ['queued', 'running', 'cancelling'] as const
const RESULT = { field: 'result', maxBytes: LIMITS.resultBytes, tooLarge: 'RESULT_TOO_LARGE', notJson: 'RESULT_NOT_JSON' } as const

/** Keeps what the steps of durable tasks have done (semantics D7): a step is stored before the next one begins. */
export class KeepSteps {
  readonly #store: Store
  readonly #writer: RunWriter
  readonly #clock: Clock
  readonly #batcher: Batcher<StepRecord, InsertOutcome>

  constructor(options: {
    store: Store
    writer: RunWriter
    clock: Clock
    batch: { maxItems: number; maxInFlight: number }
  }) {
    this.#store = options.store
    this.#writer = options.writer
    this.#clock = options.clock
    this.#batcher = new Batcher({
      ...options.batch,
      bytesOf: ({ result }) => result?.length ?? 0,
      run: (steps) => this.#store.steps.insert(steps),
    })
  }

  /**
   * Stores a step, unless it is there. Answers what is stored: of two that did the same step the first counts.
   * @throws CarillonError RUN_NOT_FOUND, TASK_NOT_RUNNING, RESULT_TOO_LARGE
   */
  async store(namespace: string, call: StepCall): Promise<{ stored: JournalEntry }> {
    const work = await this.#running(namespace, call)
    const { outcome } = call
    const result = outcome.type === 'done' ? writeJson(outcome.result ?? null, RESULT) : null
    const record = stepRecord(call, { namespace, resume: work.task.resume, result, now: this.#clock.now() })
    const isCreated = (await this.#batcher.add(record)) === 'created'
    // Who gets on is no poison, however often its instances die.
    if (outcome.type === 'done' && (work.task.losses > 0 || work.task.interruptions !== null)) await this.#getsOn(work, call)
    const [there] = isCreated ? [record] : await this.#store.steps.get([record.id])
    return { stored: answeredAt(entriesOf([there ?? record], null)[0] as JournalEntry, this.#clock.now()) }
  }

  /** What the steps of a task have done. @throws CarillonError RUN_NOT_FOUND */
  async read(namespace: string, query: { taskId: string; cursor?: string | undefined; limit: number }): Promise<Page<JournalEntry>> {
    const work = await this.#find(namespace, query.taskId)
    const now = this.#clock.now()
    return pageThatFits(
      (maxBytes) => this.#store.steps.list({ ...query, maxBytes }),
      (steps) => entriesOf(steps, work.task.resume).map((entry) => answeredAt(entry, now)),
    )
  }

  async #getsOn({ task }: Work, call: StepCall): Promise<void> {
    const change = { id: task.id, expect: runsIn(call, STORING), set: NO_LOSSES }
    if (isTaskId(task.id)) await this.#store.tasks.update([change])
    else await this.#store.runs.update([change])
    this.#writer.forget([task.id])
  }

  /** From memory where that agrees with the caller: a restart, as everything that matters here, comes with a new attempt. */
  async #running(namespace: string, call: StepCall): Promise<Work> {
    if (!isTaskId(call.taskId)) {
      const [run] = await this.#writer.known([call.taskId])
      if (run?.namespace === namespace && run.attempt === call.attempt && run.owner === call.instance && run.state === 'running')
        return { run, task: run }
    }
    const work = await this.#find(namespace, call.taskId)
    checkRuns(work, call, STORING)
    return work
  }

  async #find(namespace: string, taskId: string): Promise<Work> {
    const work = await findWork(this.#store, taskId)
    if (work?.run.namespace !== namespace) throw runNotFound(taskId)
    return work
  }
}

/**
 * From where a run with steps goes on when it is retried: where it failed, but from the first step if it had succeeded, or from a step that
 * someone names.
 * @throws CarillonError INVALID_REQUEST of a step that it has not come to
 */
export async function resumeFrom(store: Store, run: RunHead, fromStep: string | undefined): Promise<Resume> {
  const epoch = run.attempt + 1
  if (fromStep === undefined) return run.state === 'succeeded' ? { step: 0, epoch, since: epoch } : retriedAt(run, epoch)
  const names: string[] = []
  let cursor: string | undefined
  do {
    const slice = await store.steps.list({ taskId: run.id, cursor, limit: LIMITS.pageSize, maxBytes: NAMES_PAGE_BYTES })
    for (const { index, name } of entriesOf(slice.items, run.resume)) names[index] = name
    cursor = slice.cursor
    await nextTurn()
  } while (cursor)
  const step = names.indexOf(fromStep)
  if (step >= 0) return { step, epoch, since: epoch }
  throw new CarillonError('INVALID_REQUEST', `run ${printable(run.id)} has not come to a step ${printable(fromStep)}`, {
    field: 'fromStep',
    value: printable(fromStep),
    hint: names.length > 0 ? `These are stored: ${names.join(', ')}.` : 'It has stored no step at all.',
  })
}
