import { CarillonError, parseInput, printable, type RunTrigger, type StartedRun, type StartRun, startRunSchema } from '@carillon/contracts'
import { Batcher, derivedId, freshRunId, markStep } from '@carillon/runtime'
import type { RunRecord, Store } from '@carillon/store'
import { handlerOf, runOfRequest } from '../domain/new-run.ts'
import type { PresenceWatch } from './presence.ts'
import type { JobCache } from './read-jobs.ts'
import type { RunWriter } from './write-runs.ts'

/** One run that is asked for, not yet checked. */
export interface StartItem {
  readonly namespace: string
  readonly request: unknown
  readonly trigger: RunTrigger
  readonly traceparent: string | undefined
  /** The id of a run whose request has an identity of its own. */
  readonly id?: string
}

interface Checked extends StartItem {
  readonly checked: StartRun
}

/** Starts runs: what is asked for in one turn of the event loop is one write. */
export class StartRuns {
  readonly #writer: RunWriter
  readonly #store: Store
  readonly #jobs: JobCache
  readonly #presence: PresenceWatch
  readonly #batcher: Batcher<Checked, StartedRun | CarillonError>

  constructor(options: {
    writer: RunWriter
    store: Store
    jobs: JobCache
    presence: PresenceWatch
    batch: { maxItems: number; maxInFlight: number }
  }) {
    this.#writer = options.writer
    this.#store = options.store
    this.#jobs = options.jobs
    this.#presence = options.presence
    this.#batcher = new Batcher({ ...options.batch, run: (items) => this.#start(items) })
  }

  /** The outcome of each item, in order; a wrong one disturbs no other. @throws CarillonError of the store */
  async execute(items: readonly StartItem[]): Promise<(StartedRun | CarillonError)[]> {
    return Promise.all(items.map((item) => this.#check(item)))
  }

  #check(item: StartItem): Promise<StartedRun | CarillonError> {
    try {
      return this.#batcher.add({ ...item, checked: parseInput(startRunSchema, item.request, 'run') })
    } catch (error) {
      return Promise.resolve(CarillonError.from(error))
    }
  }

  async #start(items: Checked[]): Promise<(StartedRun | CarillonError)[]> {
    const jobs = await this.#jobs.find(items.map((item) => ({ namespace: item.namespace, name: item.checked.job })))
    const now = this.#writer.now()
    const outcomes: (StartedRun | CarillonError)[] = []
    const runs: RunRecord[] = []
    const places: number[] = []
    for (const [i, item] of items.entries()) {
      try {
        const id = idOf(item)
        const trace = markStep('carillon.run.created', item.checked.traceparent ?? item.traceparent, {
          'carillon.run.id': id,
          'carillon.namespace': item.namespace,
        })
        const run = runOfRequest(item.checked, jobs[i], {
          id,
          namespace: item.namespace,
          trigger: item.trigger,
          traceparent: trace ?? null,
          now,
          kind: this.#presence.kindOf(item.namespace, handlerOf(item.checked, jobs[i])),
        })
        outcomes[i] = { runId: run.id, created: true }
        runs.push(run)
        places.push(i)
      } catch (error) {
        outcomes[i] = CarillonError.from(error)
      }
    }
    const inserted = await this.#writer.insert(runs, { answerFirst: true })
    const duplicates = places.filter((_, k) => inserted[k] === 'duplicate')
    if (duplicates.length > 0)
      await this.#compare(
        runs.filter((_, k) => inserted[k] === 'duplicate'),
        (k, outcome) => (outcomes[duplicates[k] as number] = outcome),
      )
    return outcomes
  }

  /** Of runs that were there already: the same request yields them, another one is a conflict. */
  async #compare(asked: readonly RunRecord[], answer: (k: number, outcome: StartedRun | CarillonError) => void): Promise<void> {
    const stored = await this.#store.runs.get(asked.map((run) => run.id))
    for (const [k, run] of asked.entries()) {
      const there = stored[k]
      if (there === undefined) {
        answer(k, await this.#compareRemoved(run))
        continue
      }
      const same =
        there.namespace === run.namespace &&
        there.job === run.job &&
        there.handler === run.handler &&
        there.payload === run.payload &&
        JSON.stringify(there.plan) === JSON.stringify(run.plan)
      answer(k, same ? { runId: run.id, created: false } : conflict(run, there))
    }
  }

  /** A run that was kept for its time and removed keeps its key, and its id for as long as it may be asked for again. */
  async #compareRemoved(run: RunRecord): Promise<StartedRun | CarillonError> {
    const [there] = await this.#store.retention.tombstones([run.id])
    // Its time came to an end between the two reads.
    if (there === undefined) return new CarillonError('CONCURRENT_CHANGE', `run ${run.id} is being removed; ask again`)
    const isSame = there.namespace === run.namespace && there.job === run.job && there.handler === run.handler
    return isSame ? { runId: run.id, created: false } : conflict(run, there)
  }
}

function conflict(run: RunRecord, there: Pick<RunRecord, 'namespace' | 'job' | 'handler'>): CarillonError {
  const field = run.key === null ? 'id' : 'key'
  const value = printable(run.key ?? run.id)
  const of =
    there.namespace === run.namespace ? `run ${run.id} of ${there.job ?? there.handler} with another payload, job or tasks` : 'another run'
  return new CarillonError('KEY_CONFLICT', `${field} ${value} belongs to ${of}`, { field, value })
}

function idOf({ id, checked, namespace }: Checked): string {
  if (checked.key !== undefined) return derivedId('k', namespace, checked.key)
  return id ?? checked.id ?? freshRunId()
}
