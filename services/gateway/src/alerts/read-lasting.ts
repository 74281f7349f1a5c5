import { type AlertScene, nodeOfTask, type ProgramView, type StatsQueues, termsOf } from '@carillon/contracts'
import { type AlertRuleRecord, type RunHead, SHARES } from '@carillon/store'
import type { AlertsParts } from './alerts-parts.ts'
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

type Parts = Pick<AlertsParts, 'store' | 'clock' | 'mesh' | 'known'>

/** Of what may be many, the first ones: a rule that is about more has long opened its incidents. */
const READ = 500
const WORKFLOWS = 200
const ALL_SHARES = Array.from({ length: SHARES }, (_, share) => share)
/** How long a slot that was skipped is missing. */
const SKIPPED_FOR_MS = 600_000

/** Reads what lasts, of the scene of a rule: by an index of what is due, or by a call of a service that knows. */
export class ReadLasting {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** What the rule is about, without what other rules say already and without paused jobs. */
  async of(rule: AlertRuleRecord): Promise<Fact[]> {
    const facts = (await this.#facts(rule)).filter((fact) => matches(rule, fact))
    if (facts.length === 0) return []
    return this.#ofActiveJobs(uninhibited(facts, await this.#without(rule)))
  }

  async #facts({ namespace, rule }: AlertRuleRecord): Promise<Fact[]> {
    const { store, clock } = this.#parts
    const now = clock.now()
    const { graceMs } = termsOf(rule)
    const at = { namespace, now, graceMs }
    const read: Partial<Record<AlertScene, () => Promise<Fact[]>>> = {
      late: async () => lateFacts(await this.#waitingOrStarted(at), at),
      missing: async () => {
        const due = await store.jobs.due({ until: now - graceMs, shares: ALL_SHARES, limit: READ })
        const jobs = await store.jobs.get(due.map(({ id }) => id))
        const { items } = await store.runs.list({ namespace, states: ['skipped'], since: now - SKIPPED_FOR_MS, limit: READ })
        return [
          ...overdueFacts(
            jobs.filter((job) => job !== undefined),
            at,
          ),
          ...skippedFacts(items, at),
        ]
      },
      'no-instance': async () => noInstanceFacts(await this.#queues(namespace), at),
      'queue-too-old': async () => oldQueueFacts(await this.#queues(namespace), at),
      'gate-full': async () => fullGateFacts(await this.#queues(namespace), at),
      'no-program': async () => noProgramFacts((await this.#ask<{ items: ProgramView[] }>(namespace, 'versionsList')).items, at),
      'approval-waits': () => this.#approvals(namespace, now),
    }
    return (await read[rule.scene]?.()) ?? []
  }

  async #waitingOrStarted({ namespace, now, graceMs }: { namespace: string; now: number; graceMs: number }): Promise<RunHead[]> {
    const { store } = this.#parts
    const queued = await store.runs.queued({ from: 0, before: now, limit: READ })
    const since = now - graceMs - STARTED_LATELY_MS - SKIPPED_FOR_MS
    const running = await store.runs.list({ namespace, states: ['running'], since, limit: READ })
    return [...queued.items, ...running.items]
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

  /** Handlers without instances that a rule is about. */
  async #without({ namespace, rule }: AlertRuleRecord): Promise<ReadonlySet<string>> {
    if (rule.scene !== 'late' && rule.scene !== 'queue-too-old') return new Set()
    const rules = (await this.#parts.known.of(namespace)).filter((other) => other.rule.enabled && other.rule.scene === 'no-instance')
    if (rules.length === 0) return new Set()
    const facts = noInstanceFacts(await this.#queues(namespace), { namespace, now: this.#parts.clock.now() })
    return new Set(facts.filter((fact) => rules.some((other) => matches(other, fact))).map(({ cause }) => cause.name))
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

  async #ask<Answer>(namespace: string, name: 'statsQueues' | 'versionsList'): Promise<Answer> {
    return (await this.#parts.mesh.call({ name, namespace, input: {}, by: 'alerts', origin: { account: 'alerts' } })) as Answer
  }
}
