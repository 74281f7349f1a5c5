import { setImmediate as nextTurn } from 'node:timers/promises'
import { CarillonError, parseInstant, parseStartRun, printable, type StartedRun, type StartRun } from '@carillon/contracts'
import { Batcher, type Clock, freshRunId, markStep, runIdOfKey } from '@carillon/runtime'
import type { JobRecord, RunRecord, Store } from '@carillon/store'
import { largeBytesOf } from '../jobs/rules/job.ts'
import type { Expressions, Jobs, Placement, Presence, Runs, Starts } from '../ports.ts'
import type { RetentionPolicy } from '../retention/retention-rules.ts'
import { withHashKey } from '../routing/rules/hash-key.ts'
import { handlerOf, runOfRequest } from './rules/new-run.ts'
import { differingField, fieldsOfRequest } from './rules/request-fields.ts'
import type { StartItem } from './rules/start-item.ts'

/** Runs that are read at once to be compared. */
const COMPARED_BYTES = 4 * 1024 * 1024
/** The bytes that the runs of one write copy from their jobs. */
const TAKEN_OVER_BYTES = 2 * 1024 * 1024

interface Checked extends StartItem {
  readonly checked: StartRun
}

/** Starts runs: the requests of one turn of the event loop are one write. */
export class StartRuns implements Starts {
  readonly #runs: Runs
  readonly #store: Store
  readonly #jobs: Jobs
  readonly #presence: Presence
  readonly #placement: Placement
  readonly #expressions: Expressions
  readonly #clock: Clock
  readonly #keyMs: number
  readonly #batcher: Batcher<Checked, StartedRun | CarillonError>

  constructor(options: {
    runs: Runs
    store: Store
    jobs: Jobs
    presence: Presence
    placement: Placement
    expressions: Expressions
    clock: Clock
    retention: Pick<RetentionPolicy, 'keyMs'>
    batch: { maxItems: number; maxInFlight: number }
  }) {
    this.#runs = options.runs
    this.#store = options.store
    this.#jobs = options.jobs
    this.#presence = options.presence
    this.#placement = options.placement
    this.#expressions = options.expressions
    this.#clock = options.clock
    this.#keyMs = options.retention.keyMs
    this.#batcher = new Batcher({ ...options.batch, bytesOf: ({ bytes }) => bytes, run: (items) => this.#start(items) })
  }

  /** The outcome of each item, in order; an invalid one does not affect the others. @throws CarillonError of the store */
  async execute(items: readonly StartItem[]): Promise<(StartedRun | CarillonError)[]> {
    const checked = items.map(checkedOf)
    const started = await this.#batcher.addAll(checked.filter((item): item is Checked => !CarillonError.is(item)))
    let next = 0
    return checked.map((item) => (CarillonError.is(item) ? item : (started[next++] as StartedRun | CarillonError)))
  }

  /** A request may be small and its job large: of many such requests as many are one write as there is room for. */
  async #start(items: readonly Checked[]): Promise<(StartedRun | CarillonError)[]> {
    const outcomes: (StartedRun | CarillonError)[] = []
    while (outcomes.length < items.length) {
      if (outcomes.length > 0) await nextTurn()
      const rest = items.slice(outcomes.length)
      const jobs = thatFit(await this.#jobs.findFirst(rest.map((item) => ({ namespace: item.namespace, name: item.checked.job }))))
      outcomes.push(...(await this.#startOf(rest.slice(0, jobs.length), jobs)))
    }
    return outcomes
  }

  async #startOf(items: readonly Checked[], jobs: readonly (JobRecord | undefined)[]): Promise<(StartedRun | CarillonError)[]> {
    const now = this.#clock.now()
    const outcomes: (StartedRun | CarillonError)[] = []
    const runs: RunRecord[] = []
    const places: number[] = []
    let isGated = false
    for (const [i, item] of items.entries()) {
      try {
        this.#checkAge(item.checked, now)
        const id = idOf(item)
        const trace = markStep('carillon.run.created', item.checked.traceparent ?? item.traceparent, {
          'carillon.run.id': id,
          'carillon.namespace': item.namespace,
        })
        const run = this.#routed(
          runOfRequest(item.checked, jobs[i], {
            id,
            namespace: item.namespace,
            trigger: item.trigger,
            traceparent: trace ?? null,
            by: item.by,
            now,
            cause: item.cause,
            parent: item.parent,
            asked: item.checked.key === undefined ? null : fieldsOfRequest(item.checked),
            kind: this.#presence.kindOf(item.namespace, handlerOf(item.checked, jobs[i])),
          }),
        )
        outcomes[i] = { runId: run.id, created: true }
        const ruled = this.#placement.requested(item.namespace, { request: item.checked, job: jobs[i] }) ?? jobs[i]
        isGated ||= ruled?.gating != null
        runs.push(ruled?.gating ? this.#placement.atGate(run, ruled, item.published) : run)
        places.push(i)
      } catch (error) {
        outcomes[i] = CarillonError.from(error)
      }
    }
    const stored = isGated ? await this.#placement.ordered(runs) : runs
    const inserted = await this.#runs.insert(stored, { answerFirst: true })
    for (const [k, outcome] of inserted.entries()) if (CarillonError.is(outcome)) outcomes[places[k] as number] = outcome
    const duplicates = places.filter((_, k) => inserted[k] === 'duplicate').map((place) => ({ place, item: items[place] as Checked }))
    if (duplicates.length === 0) return outcomes
    const compared = await this.#compare(duplicates.map(({ item }) => item))
    for (const [k, { place }] of duplicates.entries()) outcomes[place] = compared[k] as StartedRun | CarillonError
    return outcomes
  }

  /** A request that has waited for longer than keys are remembered may have been started, and forgotten since. @throws CarillonError START_TOO_OLD */
  #checkAge({ requestedAt }: StartRun, now: number): void {
    const at = parseInstant(requestedAt)
    if (at === undefined || at >= now - this.#keyMs) return
    throw new CarillonError(
      'START_TOO_OLD',
      `requestedAt is wrong: ${requestedAt} is longer ago than keys are remembered (${this.#keyMs} ms)`,
      {
        field: 'requestedAt',
        value: printable(requestedAt),
      },
    )
  }

  /** @throws CarillonError INVALID_EXPRESSION, EXPRESSION_FAILED */
  #routed(run: RunRecord): RunRecord {
    if (run.routing === null) return run
    if (run.routing.where !== undefined) this.#expressions.where.get(run.routing.where)
    return withHashKey(run, this.#expressions)
  }

  /**
   * Of runs that exist already: the same request returns them, another one is a conflict. The requests are compared: a few runs at a
   * time, however large they are.
   */
  async #compare(asked: readonly Checked[]): Promise<(StartedRun | CarillonError)[]> {
    const ids = asked.map(idOf)
    const outcomes: (StartedRun | CarillonError)[] = []
    while (outcomes.length < asked.length) {
      const stored = await this.#store.runs.get(ids.slice(outcomes.length), COMPARED_BYTES)
      for (const run of stored) outcomes.push(await this.#compareWith(run, asked[outcomes.length] as Checked))
    }
    return outcomes
  }

  async #compareWith(run: RunRecord | undefined, item: Checked): Promise<StartedRun | CarillonError> {
    const runId = run?.id ?? idOf(item)
    // A removed run keeps its key, and its id for as long as a request may be repeated.
    const there = run ?? (await this.#store.retention.tombstones([runId]))[0]
    // The tombstone expired between the two reads.
    if (there === undefined) return new CarillonError('CONCURRENT_CHANGE', `run ${runId} is being removed; ask again`)
    const field = there.namespace === item.namespace ? differingField(there, item.checked) : undefined
    if (there.namespace !== item.namespace || field !== undefined) return conflict(item, there, field)
    return { runId, created: false }
  }
}

function checkedOf(item: StartItem): Checked | CarillonError {
  try {
    return { ...item, checked: parseStartRun(item.request) }
  } catch (error) {
    return CarillonError.from(error)
  }
}

/** The first of these jobs, one in any case. */
function thatFit(jobs: readonly (JobRecord | undefined)[]): readonly (JobRecord | undefined)[] {
  let bytes = 0
  const end = jobs.findIndex((job, i) => {
    bytes += largeBytesOf(job)
    return bytes > TAKEN_OVER_BYTES && i > 0
  })
  return end < 0 ? jobs : jobs.slice(0, end)
}

/** @param differs the first field that differs */
function conflict(
  { namespace, checked }: Checked,
  there: Pick<RunRecord, 'id' | 'namespace' | 'job' | 'handler'>,
  differs: string | undefined,
): CarillonError {
  const field = checked.key === undefined ? 'id' : 'key'
  const value = printable(checked.key ?? there.id)
  const of =
    there.namespace === namespace ? `run ${there.id} of ${there.job ?? there.handler}, asked for with another ${differs}` : 'another run'
  return new CarillonError('KEY_CONFLICT', `${field} ${value} belongs to ${of}`, { field, value })
}

function idOf({ id, checked, namespace }: Checked): string {
  if (checked.key !== undefined) return runIdOfKey(namespace, checked.key)
  return id ?? checked.id ?? freshRunId()
}
