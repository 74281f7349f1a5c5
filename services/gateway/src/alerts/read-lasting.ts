import { type AlertScene, nodeOfTask, type ProgramView, type StatsQueues, termsOf } from '@carillon/contracts'
import { type AlertRuleRecord, type Due, type RunHead, SHARES } from '@carillon/store'
import { type AlertsParts, BY_ALERTS } from './alerts-parts.ts'
import type { Fact } from './rules/facts.ts'
import {
  approvalFacts,
  fullGateFacts,
  lateFacts,
  noInstanceFacts,
  noProgramFacts,
  oldQueueFacts,
  overdueFacts,
  STARTED_LATELY_MS,
  skippedFacts,
  uninhibited,
} from './rules/lasting.ts'
import { matches } from './rules/matching.ts'
import { alertId } from './rules/views.ts'
import { SharedReads } from './shared-reads.ts'

type Parts = Pick<AlertsParts, 'store' | 'clock' | 'mesh' | 'known' | 'log'>

/** Of what may be many, the first ones: a rule that is about more has long opened its incidents. */
const READ = 500
const WORKFLOWS = 200
/** Of jobs that are overdue in all namespaces: their ids alone. */
const OVERDUE_READ = 10_000
const ALL_SHARES = Array.from({ length: SHARES }, (_, share) => share)
/** How long a slot that was skipped is missing. */
const SKIPPED_FOR_MS = 600_000

interface Terms {
  readonly namespace: string
  readonly now: number
  readonly graceMs: number
}

/**
 * Reads what lasts, of the scene of a rule: by an index of what is due, or by a call of a service that knows. Rules of one namespace share what was read, so their number
 * costs comparisons in memory.
 */
export class ReadLasting {
  readonly #parts: Parts
  readonly #reads: SharedReads

  constructor(parts: Parts) {
    this.#parts = parts
    this.#reads = new SharedReads(parts.clock)
  }

  /** What the rule is about, without what other rules say already and without paused jobs. */
  async of(rule: AlertRuleRecord): Promise<Fact[]> {
    const facts = (await this.#facts(rule)).filter((fact) => matches(rule, fact))
    if (facts.length === 0) return []
    return this.#ofActiveJobs(uninhibited(facts, await this.#without(rule)))
  }

  async #facts({ namespace, rule }: AlertRuleRecord): Promise<Fact[]> {
    const now = this.#parts.clock.now()
    const { graceMs } = termsOf(rule)
    const at = { namespace, now, graceMs }
    const read: Partial<Record<AlertScene, () => Promise<Fact[]>>> = {
      late: async () => lateFacts([...(await this.#queuedSlots(namespace)), ...(await this.#running(at))], at),
      missing: () => this.#missing(at),
      'no-instance': async () => noInstanceFacts(await this.#queues(namespace), at),
      'queue-too-old': async () => oldQueueFacts(await this.#queues(namespace), at),
      'gate-full': async () => fullGateFacts(await this.#queues(namespace), at),
      'no-program': async () => noProgramFacts((await this.#ask<{ items: ProgramView[] }>(namespace, 'versionsList')).items, at),
      'approval-waits': () => this.#reads.get(['approvals', namespace], () => this.#approvals(namespace, now)),
    }
    return (await read[rule.scene]?.()) ?? []
  }

  /** Of a namespace the oldest: those are late, if any is. */
  #queuedSlots(namespace: string): Promise<RunHead[]> {
    return this.#reads.get(['queued', namespace], async () => {
      const query = { namespace, states: ['queued'], triggers: ['schedule'], order: 'oldest', limit: READ } as const
      return (await this.#parts.store.runs.list(query)).items
    })
  }

  #running({ namespace, now, graceMs }: Terms): Promise<RunHead[]> {
    return this.#reads.get(['running', namespace, graceMs], async () => {
      const since = now - graceMs - STARTED_LATELY_MS - SKIPPED_FOR_MS
      const query = { namespace, states: ['running'], triggers: ['schedule'], since, limit: READ } as const
      return (await this.#parts.store.runs.list(query)).items
    })
  }

  async #missing(at: Terms): Promise<Fact[]> {
    const { store } = this.#parts
    const { namespace, now } = at
    const due = (await this.#overdue(at)).filter(({ id }) => id.startsWith(alertId(namespace, ''))).slice(0, READ)
    const jobs = await store.jobs.get(due.map(({ id }) => id))
    const skipped = await this.#reads.get(['skipped', namespace], async () => {
      const query = { namespace, states: ['skipped'], since: now - SKIPPED_FOR_MS, limit: READ } as const
      return (await store.runs.list(query)).items
    })
    const there = jobs.filter((job) => job !== undefined)
    return [...overdueFacts(there, at), ...skippedFacts(skipped, at)]
  }

  /** Of all namespaces, because that is what the index has: nothing but ids, and normally none. */
  #overdue({ now, graceMs }: Terms): Promise<Due[]> {
    return this.#reads.get(['overdue', graceMs], () =>
      this.#parts.store.jobs.due({ until: now - graceMs, shares: ALL_SHARES, limit: OVERDUE_READ }),
    )
  }

  async #approvals(namespace: string, now: number): Promise<Fact[]> {
    const { store } = this.#parts
    const { items } = await store.runs.list({ namespace, states: ['running'], limit: WORKFLOWS })
    const facts: Fact[] = []
    for (const run of items.filter(({ mode }) => mode === 'workflow')) {
      const waiting = await store.tasks.list({ runId: run.id, state: 'delayed', limit: READ })
      const nodes = waiting.items.filter(({ reason }) => reason === 'approval')
      facts.push(
        ...approvalFacts(
          run,
          nodes.map(({ id, name, startedAt }) => ({ node: name ?? String(nodeOfTask(id)?.place ?? ''), since: startedAt ?? now })),
        ),
      )
    }
    return facts
  }

  /** Handlers without instances that a rule is about. Where that cannot be found out, too much is said rather than nothing. */
  async #without({ namespace, rule }: AlertRuleRecord): Promise<ReadonlySet<string>> {
    const { known, clock, log } = this.#parts
    if (rule.scene !== 'late' && rule.scene !== 'queue-too-old') return new Set()
    const rules = (await known.of(namespace)).filter((other) => other.rule.enabled && other.rule.scene === 'no-instance')
    if (rules.length === 0) return new Set()
    try {
      const facts = noInstanceFacts(await this.#queues(namespace), { namespace, now: clock.now() })
      return new Set(facts.filter((fact) => rules.some((other) => matches(other, fact))).map(({ cause }) => cause.name))
    } catch (error) {
      log.debug({ evt: 'alerts.not-muted', namespace, err: error }, 'nobody says which handlers have no instance; nothing is muted')
      return new Set()
    }
  }

  async #ofActiveJobs(facts: readonly Fact[]): Promise<Fact[]> {
    const names = [...new Set(facts.flatMap(({ job, namespace }) => (job === undefined ? [] : [alertId(namespace, job)])))]
    const jobs = await this.#parts.store.jobs.get(names)
    const paused = new Set(jobs.flatMap((job) => (job?.state === 'paused' ? [job.name] : [])))
    return facts.filter(({ job }) => job === undefined || !paused.has(job))
  }

  #queues(namespace: string): Promise<StatsQueues> {
    return this.#ask(namespace, 'statsQueues')
  }

  #ask<Answer>(namespace: string, name: 'statsQueues' | 'versionsList'): Promise<Answer> {
    return this.#reads.get([name, namespace], () => this.#parts.mesh.call({ ...BY_ALERTS, name, namespace, input: {} }) as Promise<Answer>)
  }
}
