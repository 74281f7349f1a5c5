import {
  CarillonError,
  type DeclareJob,
  declareJobSchema,
  type JobChangeKind,
  type JobChecked,
  type JobDeclared,
  type JobView,
  parseInput,
  printable,
  subjects,
} from '@carillon/contracts'
import type { Broker, Clock, RecordTurns, TurnOf } from '@carillon/runtime'
import type { JobRecord, RunHead, Store } from '@carillon/store'
import { checkWorkflow, workflowWarnings } from '../modes/workflow/rules/check-workflow.ts'
import { newNodeExpressions } from '../modes/workflow/rules/node-expressions.ts'
import type { Events, Gates, Jobs, Presence, Runs, SlotJudges, Timers } from '../ports.ts'
import { hashKeyOf } from '../routing/rules/hash-key.ts'
import { isRefused } from '../runs/rules/decision.ts'
import { decideCancel } from '../runs/rules/life.ts'
import { checkBackoff } from '../runs/rules/next-attempt.ts'
import { jobView } from '../runs/rules/views.ts'
import type { Judge } from '../schedules/rules/exclusions.ts'
import { checkSchedule, isSameSchedule, NO_SLOT, slotFrom, timesOf } from '../schedules/rules/schedule.ts'
import { scheduleWarnings } from '../schedules/rules/warnings.ts'
import type { TriggerChecks } from '../trigger-ports.ts'
import { checkCalendars } from './check-calendars.ts'
import { checkExpressions, type JobExpressions } from './check-expressions.ts'
import { KeepChanges } from './keep-changes.ts'
import { type Declaration, decideDeclaration, isAsDeclared } from './rules/declaration.ts'
import { checkRevision } from './rules/if-revision.ts'
import { jobId, jobNotFound } from './rules/job.ts'
import { isSameJob, type JobDefinition, mergeOf, type Put, plainJob, recordOf } from './rules/job-record.ts'

const PAGE = 200

/** Who makes a change, as that party names itself. */
type By = string | undefined
/** What a change says of the stored job beside its definition. */
type Said = Pick<JobRecord, 'change' | 'declared' | 'declaration'>
/** What a change says of the job that is there; undefined: it stays as it is. `keepsDefinition`: the definition that is given is not in force yet. */
type Say = (there: JobRecord | undefined) => { readonly said: Said; readonly keepsDefinition?: boolean } | undefined
/** A definition that is checked, but for what depends on the job that is there. */
type Prepared = Omit<Put, 'now'> & { readonly namespace: string; readonly input: JobDefinition }

/** Puts, declares, checks, pauses, resumes, releases and removes jobs. */
export class ChangeJobs {
  readonly #store: Store
  readonly #clock: Clock
  readonly #broker: Broker
  readonly #events: Events
  readonly #presence: Presence
  readonly #runs: Runs
  readonly #timers: Timers
  readonly #judges: SlotJudges
  readonly #expressions: JobExpressions
  readonly #triggers: TriggerChecks
  readonly #changes: KeepChanges
  readonly #turns: RecordTurns
  readonly #jobs: Jobs
  readonly #nodeExpressions = newNodeExpressions()
  readonly #gates: Gates

  constructor(options: {
    store: Store
    clock: Clock
    broker: Broker
    events: Events
    presence: Presence
    runs: Runs
    timers: Timers
    judges: SlotJudges
    expressions: JobExpressions
    triggers: TriggerChecks
    turns: RecordTurns
    jobs: Jobs
    gates: Gates
  }) {
    this.#jobs = options.jobs
    this.#gates = options.gates
    this.#turns = options.turns
    this.#timers = options.timers
    this.#judges = options.judges
    this.#expressions = options.expressions
    this.#triggers = options.triggers
    this.#store = options.store
    this.#changes = new KeepChanges(options.store)
    this.#clock = options.clock
    this.#broker = options.broker
    this.#events = options.events
    this.#presence = options.presence
    this.#runs = options.runs
  }

  /**
   * Creates or replaces; a paused job stays paused.
   * @throws CarillonError PRECONDITION_FAILED, or of its schedule, backoff or payload
   */
  async put(
    namespace: string,
    input: JobDefinition,
    { by, ifRevision }: { by?: By; ifRevision?: number | undefined } = {},
  ): Promise<JobView> {
    const job = await this.#define(namespace, input, (there) => {
      checkRevision(ifRevision, there, input.name)
      const { declared = null, declaration = null } = there ?? {}
      const isEdited = declared !== null && !isAsDeclared(declaration, input)
      return { said: { change: changeOf('put', by), declared: declared && { ...declared, isEdited }, declaration } }
    })
    return this.#withWarnings(job)
  }

  /** Whether `put` would accept it, but for a circle of parents: those may be put along with it. Stores nothing. @throws CarillonError as `put` */
  async check(namespace: string, input: JobDefinition): Promise<JobChecked> {
    const prepared = await this.#prepare(namespace, input)
    if (input.on) await this.#triggers.checkEvents(namespace, input.on.subject)
    const [there] = await this.#store.jobs.get([jobId(namespace, input.name)])
    this.#record(prepared, there)
    return { warnings: await this.#warningsOf(namespace, { schedule: input.schedule ?? null, workflow: input.workflow }) }
  }

  /**
   * What the code of an executor says of a job; what an operator has said since wins.
   * @throws CarillonError JOB_VERSION_OLD, JOB_VERSION_CONFLICT, or of its schedule, backoff or payload
   */
  async declare(namespace: string, declaration: Declaration, by?: By): Promise<JobDeclared> {
    const { version: _, ...input } = declaration
    let outcome: JobDeclared['outcome'] = 'unchanged'
    const job = await this.#define(namespace, input, (there) => {
      outcome = decideDeclaration(there, declaration)
      if (there?.declared?.version === declaration.version) return undefined
      const declared = { version: declaration.version, isEdited: outcome === 'edited' }
      const said = { change: changeOf('declared', by), declared, declaration: JSON.stringify(declaration) }
      return { said, keepsDefinition: outcome === 'edited' || outcome === 'unchanged' }
    })
    return { outcome, job: await this.#withWarnings(job) }
  }

  /** The newest declaration of code is in force again. @throws CarillonError INVALID_REQUEST if there is none */
  async release(namespace: string, name: string, by?: By): Promise<JobView> {
    const released = await this.#redefine(namespace, name, async (job) => {
      if (!job) throw jobNotFound(name)
      if (job.declaration === null) throw notDeclared(name)
      const { declared, declaration } = job
      if (!declared?.isEdited) return job
      const { version: _, ...input } = parseInput(declareJobSchema, JSON.parse(declaration) as DeclareJob)
      const said = { change: changeOf('released', by), declared: { ...declared, isEdited: false }, declaration }
      const prepared = await this.#prepare(namespace, input)
      await this.#triggers.check(namespace, input)
      return this.#replace(job, prepared, { said })
    })
    return this.#withWarnings(released)
  }

  /** @param note why */
  pause(namespace: string, name: string, { note, by }: { note?: string | undefined; by?: By } = {}): Promise<JobView> {
    return this.#set({ namespace, name, by }, (job) => ({ ...job, state: 'paused', note: note ?? job.note, ...NO_SLOT }))
  }

  /** From now on: slots that were missed while the job was paused are not fired. */
  resume(namespace: string, name: string, by?: By): Promise<JobView> {
    return this.#set({ namespace, name, by }, (job, { now, judge }) => {
      if (job.state !== 'paused') return job
      const slot = job.schedule && slotFrom(job.schedule, now)
      const times = timesOf(job, slot, judge)
      return { ...job, ...times, note: null, resumedAt: now, state: job.schedule && slot === null ? 'finished' : 'active' }
    })
  }

  /** Runs that are delayed or wait at gates are cancelled with their job. Those that are to be kept start when they are due, or at once. What is queued or running goes on. */
  async remove(
    namespace: string,
    name: string,
    options: { keepRuns: boolean; by?: By; ifRevision?: number | undefined },
  ): Promise<{ removed: true }> {
    const [job] = await this.#store.jobs.get([jobId(namespace, name)])
    if (!job) throw jobNotFound(name)
    checkRevision(options.ifRevision, job, name)
    // Once the job is gone, nothing holds back what waits at its gates.
    if (!options.keepRuns) await this.#cancelAll({ namespace, job: name, states: ['waiting'] }, () => true)
    await this.#turns.take(turnOf(namespace, name), async () => {
      const [there] = await this.#store.jobs.get([job.id])
      if (!there) throw jobNotFound(name)
      checkRevision(options.ifRevision, there, name)
      await this.#changes.superseded(there)
      if ((await this.#store.jobs.remove(there.id, { revision: there.revision })) === 'refused') return undefined
      await this.#changes.removed(there, { by: options.by, at: this.#clock.now() })
      return there
    })
    await this.#publishEvent({ namespace, name }, 'removed', { name })
    // What came meanwhile; nothing holds back what is kept.
    if (options.keepRuns) await this.#gates.rulesChanged({ namespace, name })
    else await this.#cancelWaiting(namespace, name)
    return { removed: true }
  }

  /** Stores a definition. @param say what else the change says; undefined: nothing is written */
  async #define(namespace: string, input: JobDefinition, say: Say): Promise<JobRecord> {
    const prepared = await this.#prepare(namespace, input)
    await this.#triggers.check(namespace, input)
    return this.#redefine(namespace, input.name, async (there) => {
      const change = say(there)
      if (!change) return there as JobRecord
      return there ? this.#replace(there, prepared, change) : this.#insert(prepared, change.said)
    })
  }

  /** @param write undefined: the job has changed since */
  async #redefine(
    namespace: string,
    name: string,
    write: (there: JobRecord | undefined) => Promise<JobRecord | undefined>,
  ): Promise<JobRecord> {
    const { there, job } = await this.#turns.take(turnOf(namespace, name), async () => {
      const [there] = await this.#store.jobs.get([jobId(namespace, name)])
      const job = await write(there)
      return job && { there, job }
    })
    if (there && haveKeysOtherRules(there, job)) await this.#gates.rulesChanged(job)
    return job
  }

  /** Undefined: another one was inserted. */
  async #insert(prepared: Prepared, said: Said): Promise<JobRecord | undefined> {
    const fresh = { ...this.#record(prepared, undefined), ...said }
    const job = { ...fresh, revision: await this.#changes.firstRevision(fresh.id) }
    return (await this.#store.jobs.insert(job)) === 'created' ? this.#changed(job, 'put') : undefined
  }

  /** Undefined: the job has changed since it was read. */
  async #replace(
    there: JobRecord,
    prepared: Prepared,
    { said, keepsDefinition }: NonNullable<ReturnType<Say>>,
  ): Promise<JobRecord | undefined> {
    const fresh = { ...this.#record(prepared, there), ...said }
    const [judge] = await this.#judges.judgesOf([{ ...fresh, resumedAt: there.resumedAt }])
    const kept = { ...there, revision: there.revision + 1, updatedAt: fresh.updatedAt }
    const merged = { ...(keepsDefinition ? kept : mergeOf(there, fresh, judge)), ...said }
    if (isSameJob(there, merged)) return there
    await this.#changes.superseded(there)
    return (await this.#store.jobs.replace(merged, { revision: there.revision })) === 'applied' ? this.#changed(merged, 'put') : undefined
  }

  /** What a definition is checked with, and every check that needs no stored job. */
  async #prepare(namespace: string, input: JobDefinition): Promise<Prepared> {
    const kind = this.#presence.kindOf(namespace, input.handler ?? input.name)
    checkBackoff(input.backoff, this.#clock.now())
    checkExpressions(this.#expressions, input)
    if (input.workflow)
      checkWorkflow(input.workflow, { ...this.#expressions, ...this.#nodeExpressions, name: input.name, namespace, now: this.#clock.now() })
    await checkCalendars(this.#store, { namespace, schedule: input.schedule ?? null })
    const [judge] = await this.#judges.judgesOf([plainJob(namespace, input)])
    return { namespace, input, kind, judge }
  }

  /** The record of a new job of this definition. @throws CarillonError of what is wrong with it */
  #record({ namespace, input, kind, judge }: Prepared, there: JobRecord | undefined): JobRecord {
    const now = this.#clock.now()
    // A service declares its jobs at each start: the date of a one-time job may be over.
    if (input.schedule && !(there && isSameSchedule(there.schedule, input.schedule))) checkSchedule(input.schedule, now, judge)
    const fresh = recordOf(namespace, input, { now, kind, judge })
    hashKeyOf(fresh, this.#expressions)
    return fresh
  }

  /** With what it says otherwise than it may have been meant. */
  async #withWarnings(job: JobRecord): Promise<JobView> {
    const view = jobView(job)
    const warnings = await this.#warningsOf(job.namespace, { schedule: job.schedule, workflow: view.workflow })
    return warnings.length > 0 ? { ...view, warnings } : view
  }

  async #warningsOf(
    namespace: string,
    { schedule, workflow }: Pick<JobRecord, 'schedule'> & Pick<JobDefinition, 'workflow'>,
  ): Promise<string[]> {
    const isOffered = (handler: string) => this.#presence.offers(namespace, handler)
    const names = [...new Set((workflow?.nodes ?? []).flatMap((node) => ('job' in node ? [node.job] : [])))]
    const found = names.length === 0 ? [] : await this.#jobs.find(names.map((name) => ({ namespace, name })))
    const isJob = (name: string) => found[names.indexOf(name)] !== undefined
    return [...(schedule ? scheduleWarnings(schedule) : []), ...(workflow ? workflowWarnings(workflow, { isOffered, isJob }) : [])]
  }

  async #cancelWaiting(namespace: string, job: string): Promise<void> {
    await this.#cancelAll({ namespace, job, states: ['waiting'] }, () => true)
    await this.#cancelAll({ namespace, job, states: ['delayed'] }, ({ reason }) => reason === 'delay')
    // A slot that is stored before its time is the newest of all.
    const newest = await this.#store.runs.list({ namespace, job, states: ['queued'], limit: 10 })
    await this.#cancel(newest.items.filter(({ slot }) => slot !== null && slot > this.#clock.now()))
  }

  async #cancelAll(
    query: { namespace: string; job: string; states: readonly ['waiting' | 'delayed'] },
    isMeant: (run: RunHead) => boolean,
  ): Promise<void> {
    let cursor: string | undefined
    do {
      const slice = await this.#store.runs.list({ ...query, cursor, limit: PAGE })
      await this.#cancel(slice.items.filter(isMeant))
      cursor = slice.cursor
    } while (cursor !== undefined)
  }

  async #cancel(runs: readonly RunHead[]): Promise<void> {
    const now = this.#clock.now()
    const changes = runs.flatMap((run) => {
      const decision = decideCancel(run, now, 'job-removed')
      return isRefused(decision) ? [] : [{ run, decision }]
    })
    await this.#runs.write(changes)
  }

  async #set(
    { namespace, name, by }: { namespace: string; name: string; by: By },
    change: (job: JobRecord, at: { now: number; judge: Judge | undefined }) => JobRecord,
  ): Promise<JobView> {
    return this.#turns.take(turnOf(namespace, name), async () => {
      const [there] = await this.#store.jobs.get([jobId(namespace, name)])
      if (!there) throw jobNotFound(name)
      const now = this.#clock.now()
      const [judge] = await this.#judges.judgesOf([{ ...there, resumedAt: now }])
      const next = change(there, { now, judge })
      if (next.state === there.state && next.nextSlotAt === there.nextSlotAt && next.note === there.note) return jobView(there)
      const kind = next.state === 'paused' ? 'paused' : 'resumed'
      const changed = { ...next, change: changeOf(kind, by), revision: there.revision + 1, updatedAt: now }
      await this.#changes.superseded(there)
      const outcome = await this.#store.jobs.replace(changed, { revision: there.revision })
      return outcome === 'applied' ? jobView(await this.#changed(changed, kind)) : undefined
    })
  }

  async #changed(job: JobRecord, what: string): Promise<JobRecord> {
    if (job.wakeAt !== null) this.#timers.arm('jobs', { id: job.id, wakeAt: job.wakeAt })
    await this.#publishEvent(job, what, jobView(job))
    return job
  }

  /** The signal reaches the server before the answer: no start that follows the answer finds the old job in a coordinator's cache. */
  async #publishEvent({ namespace, name }: { namespace: string; name: string }, what: string, body: object): Promise<void> {
    this.#jobs.forget(namespace, name)
    this.#broker.connection.publish(subjects.live(namespace, 'job', name, 'changed'), JSON.stringify({ name, what }))
    this.#events.changed('job', { namespace, name, what, body })
    await this.#broker.connection.flush()
  }
}

const turnOf = (namespace: string, name: string): TurnOf => ({ kind: 'job', id: jobId(namespace, name), name, field: 'name' })

const changeOf = (kind: JobChangeKind, by: By): JobRecord['change'] => ({ kind, ...(by === undefined ? {} : { by }) })

/** Each coordinator checks its gates of whole jobs when it receives the signal of the change; gates of keys are found by the runs that wait. */
function haveKeysOtherRules({ gating: before }: JobRecord, { gating: after }: JobRecord): boolean {
  const isKeyed = (before?.concurrencyKey ?? after?.concurrencyKey) !== undefined
  return isKeyed && JSON.stringify(before) !== JSON.stringify(after)
}

function notDeclared(name: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `job ${printable(name)} is declared by no code`, {
    field: 'name',
    value: printable(name),
    hint: 'Release jobs that an executor declares with mesh.job.',
  })
}
