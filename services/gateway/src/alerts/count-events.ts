import { parseInput, parseSubject, type RunEndedEvent, runEndedSchema } from '@carillon/contracts'
import type { Incoming } from '@carillon/runtime'
import type { AlertRuleRecord, RunHead, Store } from '@carillon/store'
import { z } from 'zod'
import type { AlertsParts } from './alerts-parts.ts'
import { type Fact, factOfEnd, factOfInstance, inScene } from './rules/facts.ts'
import { countFacts, ROW_READ } from './rules/incident.ts'
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

/** Counts what happened, for each rule that is about it. A batch is one write for each rule and cause. */
export class CountEvents {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async execute(batch: readonly Incoming[]): Promise<void> {
    const { writeIncidents, clock } = this.#parts
    const counts = new Map<string, { rule: AlertRuleRecord; facts: Fact[] }>()
    for (const [rule, fact] of await this.#matching(batch)) {
      const cause = causeOf(rule, fact)
      const key = JSON.stringify([rule.id, cause.kind, cause.name])
      const count = counts.get(key) ?? { rule, facts: [] }
      count.facts.push(fact)
      counts.set(key, count)
    }
    for (const { rule, facts } of counts.values()) {
      const inRow = rule.rule.scene === 'failures-in-row' ? await failuresInRow(this.#parts.store, facts.at(-1) as Fact) : undefined
      const row = inRow === undefined ? {} : { inRow }
      await writeIncidents.decide(rule, causeOf(rule, facts[0] as Fact), (place) => countFacts({ rule, place, facts, ...row }, clock.now()))
    }
  }

  async #matching(batch: readonly Incoming[]): Promise<[AlertRuleRecord, Fact][]> {
    const found: [AlertRuleRecord, Fact][] = []
    const letters: [readonly AlertRuleRecord[], Fact][] = []
    for (const incoming of batch) {
      const fact = factOf(incoming)
      if (fact === undefined) continue
      const rules = await this.#parts.known.of(incoming.namespace)
      const isEnd = fact.scene.startsWith('run-')
      for (const about of [fact, ...(isEnd ? [inScene(fact, 'failures-in-row')] : [])])
        for (const rule of rules) if (matches(rule, about)) found.push([rule, about])
      const letter = inScene(fact, 'dead-letter')
      const ofLetters = isEnd ? rules.filter((rule) => matches(rule, letter)) : []
      if (ofLetters.length > 0) letters.push([ofLetters, letter])
    }
    const isLetter = await this.#deadLetters(letters.map(([, fact]) => fact))
    return [
      ...found,
      ...letters.flatMap(([rules, fact]) => (isLetter(fact) ? rules.map((rule): [AlertRuleRecord, Fact] => [rule, fact]) : [])),
    ]
  }

  /** Which of these runs were retries of calls: then a letter is kept about them. */
  async #deadLetters(facts: readonly Fact[]): Promise<(fact: Fact) => boolean> {
    const ids = facts.map(({ example }) => example.runId ?? '')
    const heads = ids.length === 0 ? [] : await this.#parts.store.runs.heads(ids)
    const retries = new Set(heads.flatMap((run) => (run?.terms?.retry === undefined ? [] : [run.id])))
    return ({ example }) => retries.has(example.runId ?? '')
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
  const { items } = await store.runs.list({ namespace, ...of, limit: ROW_READ })
  return items.filter(({ state }) => JUDGED.includes(state)).filter((run) => job !== undefined || run.job === null)
}

const JUDGED: readonly string[] = ['succeeded', 'failed', 'timed_out', 'expired']

async function failuresInRow(store: Store, { namespace, job, handler, at }: Fact): Promise<number> {
  const runs = await endedRuns(store, { namespace, job, handler, ...(job === undefined ? { since: at - 86_400_000 } : {}) })
  const success = runs.findIndex(({ state }) => state === 'succeeded')
  return success < 0 ? runs.length : success
}
