import { LIMITS, parseInput, parseSubject, type RunEndedEvent, runEndedSchema } from '@carillon/contracts'
import type { Incoming } from '@carillon/runtime'
import type { AlertRuleRecord, RunHead, Store } from '@carillon/store'
import { z } from 'zod'
import type { AlertsParts } from './alerts-parts.ts'
import { type Fact, factOfEnd, factOfInstance, inScene } from './rules/facts.ts'
import { countFacts } from './rules/incident.ts'
import { causeOf, matches } from './rules/matching.ts'
import type { WriteIncidents } from './write-incidents.ts'

type Parts = Pick<AlertsParts, 'store' | 'clock' | 'known'> & { readonly writeIncidents: WriteIncidents }

/** What the gateways read of stream EVENTS. No success is among them: whether something has recovered is asked where an incident is open. */
export const COUNTED_EVENTS = [
  'event.run.*.failed',
  'event.run.*.timed_out',
  'event.run.*.expired',
  'event.instance.*.lost',
  'event.instance.*.hung',
]

const instanceSchema = z.object({ instance: z.string(), service: z.string(), at: z.string() })
/** Of the runs of a job, to find how many failed in a row. */
const RUNS_READ = 2 * LIMITS.failuresInRow

/** Counts what happened, for each rule that is about it. A batch is one write for each rule and cause. */
export class CountEvents {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async execute(batch: readonly Incoming[]): Promise<void> {
    const { known, writeIncidents, clock } = this.#parts
    const counts = new Map<string, { rule: AlertRuleRecord; facts: Fact[] }>()
    for (const incoming of batch) {
      const fact = factOf(incoming)
      if (fact === undefined) continue
      const rules = await known.of(incoming.namespace)
      for (const [rule, about] of await this.#matching(rules, fact)) {
        const cause = causeOf(rule, about)
        const key = JSON.stringify([rule.id, cause.kind, cause.name])
        const count = counts.get(key) ?? { rule, facts: [] }
        count.facts.push(about)
        counts.set(key, count)
      }
    }
    for (const { rule, facts } of counts.values()) {
      const inRow = rule.rule.scene === 'failures-in-row' ? await failuresInRow(this.#parts.store, facts.at(-1) as Fact) : undefined
      const row = inRow === undefined ? {} : { inRow }
      await writeIncidents.decide(rule, causeOf(rule, facts[0] as Fact), (place) => countFacts({ rule, place, facts, ...row }, clock.now()))
    }
  }

  async #matching(rules: readonly AlertRuleRecord[], fact: Fact): Promise<[AlertRuleRecord, Fact][]> {
    const isEnd = fact.scene.startsWith('run-')
    const isLetter = isEnd && rules.some((rule) => matches(rule, inScene(fact, 'dead-letter'))) && (await this.#isDeadLetter(fact))
    const facts = [fact, ...(isEnd ? [inScene(fact, 'failures-in-row')] : []), ...(isLetter ? [inScene(fact, 'dead-letter')] : [])]
    return facts.flatMap((about) => rules.filter((rule) => matches(rule, about)).map((rule): [AlertRuleRecord, Fact] => [rule, about]))
  }

  /** Whether it was the retry of a call: then a letter is kept about it. */
  async #isDeadLetter({ example }: Fact): Promise<boolean> {
    const [run] = await this.#parts.store.runs.heads([example.runId ?? ''])
    return run?.terms?.retry !== undefined
  }
}

function factOf({ namespace, subject, body }: Incoming): Fact | undefined {
  const [, noun, , what] = [parseSubject(subject)?.class, ...(parseSubject(subject)?.rest ?? [])]
  if (noun === 'run') return factOfEnd(namespace, parseInput(runEndedSchema, body, 'event') as RunEndedEvent)
  if (noun === 'instance') return factOfInstance(namespace, parseInput(instanceSchema, body, 'event'), what === 'hung' ? 'hung' : 'lost')
  return undefined
}

/** The newest runs of a cause that have ended, newest first. */
export async function endedRuns(
  store: Store,
  { namespace, job, handler, since }: { namespace: string; job?: string | undefined; handler?: string | undefined; since?: number },
): Promise<RunHead[]> {
  const of = job === undefined ? { handlers: handler === undefined ? [] : [handler], since } : { job, since }
  const { items } = await store.runs.list({ namespace, ...of, limit: RUNS_READ })
  return items.filter(({ state }) => JUDGED.includes(state)).filter((run) => job !== undefined || run.job === null)
}

const JUDGED: readonly string[] = ['succeeded', 'failed', 'timed_out', 'expired']

async function failuresInRow(store: Store, { namespace, job, handler, at }: Fact): Promise<number> {
  const runs = await endedRuns(store, { namespace, job, handler, ...(job === undefined ? { since: at - 86_400_000 } : {}) })
  const success = runs.findIndex(({ state }) => state === 'succeeded')
  return success < 0 ? runs.length : success
}
