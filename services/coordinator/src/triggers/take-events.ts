import { CarillonError, checkBy, HEADERS, UnacceptableJson } from '@carillon/contracts'
import type { Outcome } from '@carillon/expressions'
import { type Clock, derivedId, type Incoming, mayPass, type RejectedMessages } from '@carillon/runtime'
import type { RunHead, Store } from '@carillon/store'
import type { Starts } from '../ports.ts'
import { causeOf } from '../runs/rules/causes.ts'
import type { StartItem } from '../runs/rules/start-item.ts'
import type { EventExpressions } from '../trigger-ports.ts'
import { covers, runOfEvent } from './rules/event-subjects.ts'
import type { TriggeredJob, TriggeredJobs } from './triggered-jobs.ts'

interface Fired {
  readonly stream: string
  readonly event: Incoming
  /** That the event is about. */
  readonly run: RunHead | undefined
}

export interface TakeEventsOptions {
  readonly triggered: Pick<TriggeredJobs, 'all'>
  readonly start: Starts
  readonly expressions: EventExpressions
  readonly rejected: Pick<RejectedMessages, 'reject'>
  readonly clock: Clock
  readonly store: Store
}

/**
 * Fires the jobs that events are for. The id of a run follows from its job and from the event's key, its message id, or its place in the stream: an event that
 * is delivered again, or published again, fires nothing twice.
 */
export class TakeEvents {
  readonly #triggered: Pick<TriggeredJobs, 'all'>
  readonly #start: Starts
  readonly #expressions: EventExpressions
  readonly #rejected: Pick<RejectedMessages, 'reject'>
  readonly #clock: Clock
  readonly #store: Store

  constructor(options: TakeEventsOptions) {
    this.#store = options.store
    this.#triggered = options.triggered
    this.#start = options.start
    this.#expressions = options.expressions
    this.#rejected = options.rejected
    this.#clock = options.clock
  }

  /** @throws a transient error: the batch is delivered again */
  async execute(stream: string, batch: readonly Incoming[]): Promise<void> {
    const jobs = (await this.#triggered.all()).filter(({ on, state }) => on !== null && state !== 'paused')
    const items: StartItem[] = []
    const events: Incoming[] = []
    const runs = await this.#runsOf(batch)
    for (const event of batch) {
      const run = runs.get(event)
      if (run?.reason === 'chain-too-long') continue
      for (const job of jobs) {
        if (!job.on || !covers(job.on.subject, event.subject)) continue
        try {
          const item = this.#itemOf({ stream, event, run }, job)
          if (item) events.push(event)
          if (item) items.push(item)
        } catch (error) {
          this.#reject(stream, event, error)
        }
      }
    }
    if (items.length === 0) return
    const outcomes = await this.#start.execute(items)
    for (const outcome of outcomes) if (CarillonError.is(outcome) && mayPass(outcome)) throw outcome
    for (const [i, outcome] of outcomes.entries()) if (CarillonError.is(outcome)) this.#reject(stream, events[i] as Incoming, outcome)
  }

  /** Of events about runs: those. Jobs that they fire are part of their chain, which has an end. */
  async #runsOf(batch: readonly Incoming[]): Promise<ReadonlyMap<Incoming, RunHead>> {
    const about = batch.flatMap((event) => {
      const id = runOfEvent(event.subject) ?? event.header(HEADERS.run)
      return id === undefined ? [] : [{ event, id }]
    })
    if (about.length === 0) return new Map()
    const heads = await this.#store.runs.heads(about.map(({ id }) => id))
    return new Map(about.flatMap(({ event }, i) => (heads[i] ? [[event, heads[i]] as const] : [])))
  }

  /** Undefined: the filter is not for it. @throws CarillonError EXPRESSION_FAILED, INVALID_HEADER, and of a body that is no JSON */
  #itemOf({ stream, event, run }: Fired, { namespace, name, on }: TriggeredJob): StartItem | undefined {
    const { body, subject, bytes, traceparent } = event
    if (body instanceof UnacceptableJson) throw body.refusal('body')
    const variables = { payload: body, subject }
    if (on?.filter !== undefined && !resultOf(this.#expressions.filter.get(on.filter).evaluate(variables))) return undefined
    const payload = on?.map === undefined ? body : resultOf(this.#expressions.map.get(on.map).evaluate(variables))
    const key = event.header(HEADERS.key) ?? event.header(HEADERS.messageId)
    const identity = key === undefined ? [stream, event.sequence, event.storedAt] : ['key', key]
    const id = derivedId('e', namespace, name, ...identity)
    const cause = run?.namespace === namespace ? { cause: causeOf(run, { isPublished: event.header(HEADERS.run) !== undefined }) } : {}
    const by = checkBy(event.header(HEADERS.by))
    const published = { stream, sequence: event.sequence, at: event.storedAt }
    return { namespace, request: { job: name, payload }, bytes, trigger: 'event', traceparent, by, id, published, ...cause }
  }

  #reject(stream: string, { subject, body }: Incoming, error: unknown): void {
    this.#rejected.reject({ subject, text: JSON.stringify(body), error, stream, now: this.#clock.now() })
  }
}

function resultOf<Value>(outcome: Outcome<Value>): Value {
  if (outcome.ok) return outcome.value
  throw outcome.error
}
