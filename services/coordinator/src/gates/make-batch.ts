import { CarillonError, LIMITS, parseInput, startRunSchema } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { GateSeal, JobRecord, RunHead, RunRecord, Store } from '@carillon/store'
import type { Presence, Runs } from '../ports.ts'
import { handlerOf, runOfRequest, unstoredRun } from '../runs/rules/new-run.ts'
import { placedBehind } from './place-runs.ts'
import { isCoalescing } from './rules/coalescing.ts'
import { decideMerge } from './rules/decide-coalescing.ts'
import type { RuledJob } from './rules/requested-rules.ts'

const READ_BYTES = 2 * 1024 * 1024
/** What an entry of a list takes: a comma, or a bracket, follows. */
const entryBytes = ({ payload }: RunRecord) => Buffer.byteLength(payload) + 1

/** Makes the run of a batch. */
export class MakeBatch {
  readonly #store: Store
  readonly #runs: Runs
  readonly #presence: Presence
  readonly #clock: Clock

  constructor(options: { store: Store; runs: Runs; presence: Presence; clock: Clock }) {
    this.#store = options.store
    this.#runs = options.runs
    this.#presence = options.presence
    this.#clock = options.clock
  }

  /** The first of these runs whose payloads are no larger together than that of one run may be; one in any case. */
  async thatFit(runs: readonly RunHead[]): Promise<RunHead[]> {
    const whole = await this.#whole(runs.map(({ id }) => id))
    const fit = runs.slice(0, whole.size)
    return whole.size > 1 && bytesOf(whole) > LIMITS.payloadBytes ? fit.slice(0, -1) : fit
  }

  /**
   * First the members end, each if it still waits; then the run is inserted, with the payloads of those that have: a payload is part of it if, and only if,
   * the record of its run says so. Until then their records cannot be removed, because they keep a `wakeAt`.
   * @returns false: a member has changed meanwhile, and it is to be done again
   */
  async execute(seal: GateSeal, job: JobRecord | RuledJob | undefined): Promise<boolean> {
    const now = this.#clock.now()
    const members = (await this.#store.runs.heads(seal.members ?? [])).filter((run) => run !== undefined)
    const waiting = members.filter((run) => run.state === 'waiting' && isCoalescing(run.gate))
    const changes = waiting.map((run) => ({ run, decision: decideMerge(run, { seal, now }) }))
    let isMade = false
    const make = async () => {
      isMade = await this.#insert(seal, job)
    }
    if (changes.length > 0) await this.#runs.write(changes, { until: make })
    else await make()
    return isMade
  }

  async #insert(seal: GateSeal, job: JobRecord | RuledJob | undefined): Promise<boolean> {
    const whole = await this.#whole(seal.members ?? [])
    const members = (seal.members ?? []).flatMap((id) => whole.get(id) ?? [])
    if (members.some(({ state, gate }) => state === 'waiting' && isCoalescing(gate))) return false
    const merged = members.filter(({ state, terms }) => state === 'skipped' && terms?.mergedInto === seal.runId)
    if (merged.length === 0) return true
    const run = this.#batchOf(merged, { seal, job })
    const [outcome] = await this.#runs.insert([run])
    if (CarillonError.is(outcome)) await this.#runs.insert([unstoredRun(run, { error: outcome, now: this.#clock.now() })])
    return true
  }

  #batchOf(merged: readonly RunRecord[], { seal, job }: { seal: GateSeal; job: JobRecord | RuledJob | undefined }): RunRecord {
    const now = this.#clock.now()
    const first = merged[0] as RunRecord
    const stored = job && 'handler' in job ? job : undefined
    // Jobs that fire one another in a circle are known by the chain.
    const { terms } = merged.reduce((one, other) => ((other.terms?.chain?.length ?? 0) > (one.terms?.chain?.length ?? 0) ? other : one))
    const { parent, chain } = terms ?? {}
    const rules = first.terms?.rules
    const { namespace, trigger, traceparent } = first
    const by = merged.every((run) => run.by === first.by) ? (first.by ?? undefined) : undefined
    const origin = { id: seal.runId, namespace, trigger, traceparent, by, now, ...(parent && chain ? { cause: { parent, chain } } : {}) }
    const payload = `[${merged.map((run) => run.payload).join(',')}]`
    try {
      const request = parseInput(startRunSchema, stored ? { job: stored.name } : requestOf(first), 'run')
      const kind = this.#presence.kindOf(namespace, handlerOf(request, stored))
      const run = { ...runOfRequest(request, stored, { ...origin, kind }), job: first.job, payload }
      return placedBehind(rules ? { ...run, terms: { ...run.terms, rules } } : run, {
        job,
        gateKey: first.gateKey,
        gateOrder: seal.through,
        now,
      })
    } catch (error) {
      const { code, message } = CarillonError.from(error)
      return unstoredRun({ ...first, id: seal.runId, key: null, asked: null, gate: null, terms: null }, { error: { code, message }, now })
    }
  }

  /** The first of these runs, up to the one with which they are too large for one payload. */
  async #whole(ids: readonly string[]): Promise<ReadonlyMap<string, RunRecord>> {
    const whole = new Map<string, RunRecord>()
    let bytes = 1
    for (let read = 0; read < ids.length; ) {
      const records = await this.#store.runs.get(ids.slice(read), READ_BYTES)
      read += records.length
      for (const run of records) {
        if (!run) continue
        whole.set(run.id, run)
        bytes += entryBytes(run)
        if (bytes > LIMITS.payloadBytes) return whole
      }
    }
    return whole
  }
}

/** Without a job the run of a batch is run as its first member would have been. */
function requestOf({ handler, mode, plan, items, tries, backoff, timeoutMs, routing, terms }: RunRecord): object {
  const { priority, runTimeoutMs, nonRetryable } = terms ?? {}
  return withoutUndefined({
    handler,
    // A request for shards names no mode, and has their number or a list.
    mode: mode === 'shards' ? undefined : mode,
    ...plan,
    ...(items === null ? {} : { shards: undefined, items: JSON.parse(items) as unknown }),
    attempts: tries,
    backoff,
    timeoutMs: timeoutMs ?? undefined,
    ...routing,
    priority,
    runTimeoutMs,
    nonRetryable,
  })
}

const withoutUndefined = (fields: object) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

const bytesOf = (whole: ReadonlyMap<string, RunRecord>) => [...whole.values()].reduce((sum, run) => sum + entryBytes(run), 1)
