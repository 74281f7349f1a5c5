import { type NodeWait, parseInput, workflowSchema } from '@carillon/contracts'
import type { Random } from '../random.ts'
import { type Condition, type Judged, randomCondition, randomValue } from './conditions.ts'
import type { Child, Course, RandomWorkflow } from './made-workflow.ts'
import { nest } from './nest-workflow.ts'

/** Names of signals: several nodes may wait for the same. */
export const SIGNALS = ['paid', 'packed'] as const

export const HANDLERS = ['charge', 'notify'] as const
export const UNDO = 'undo'
const KEYS = ['a', 'b', 'c'] as const
const MOST_NODES = 25
const MOST_NODES_WITHIN = 6

/** A node while the graph is made: edges lead from earlier ones to later ones. */
interface Draft {
  readonly id: string
  readonly after: Set<string>
  /** Nodes that lead to it by a branch, too. */
  readonly sources: Set<string>
  readonly fields: Record<string, unknown>
}

/** Where the nodes of a graph come from that are child runs. */
interface Nested {
  readonly random: Random
  /** Makes the names of jobs and handlers unique. */
  readonly name: string
  readonly depth: number
}

/**
 * A workflow of 1 to 25 nodes, and how its nodes end: a pure function of node and attempt.
 * @param options.undoing decides which nodes can be undone
 * @param options.nested decides which nodes are child runs; undefined: none
 */
export function randomWorkflow(
  random: Random,
  { now, undoing, nested, within }: { now: number; undoing: Random; nested: Nested | undefined; within?: string },
): RandomWorkflow {
  const most = within === undefined ? MOST_NODES : MOST_NODES_WITHIN
  const count = random.chance(0.5) ? 1 + random.below(Math.min(7, most)) : 1 + random.below(most)
  const tries = 1 + random.below(2)
  const prefix = within ?? 'n'
  const drafts = Array.from({ length: count }, (_, i): Draft => ({ id: `${prefix}${i}`, after: new Set(), sources: new Set(), fields: {} }))
  const made = { conditions: new Map<string, Condition>(), values: new Map<string, Judged<unknown>>(), courses: new Map<string, Course>() }
  const ancestors = new Map<string, Set<string>>()
  for (const [i, draft] of drafts.entries()) {
    precede(random, draft, drafts.slice(0, i))
    const before = new Set([...draft.sources].flatMap((id) => [id, ...(ancestors.get(id) ?? [])]))
    ancestors.set(draft.id, before)
    const later = drafts.slice(i + 1)
    const known = { before: [...before], now }
    if (later.length > 0 && random.chance(0.25)) decide(random, draft, { later, before: known.before, conditions: made.conditions })
    else if (random.chance(0.2)) draft.fields['wait'] = wait(random, now, within !== undefined)
    else made.courses.set(draft.id, handle(random, draft, { before: known.before, values: made.values, tries }))
    if (random.chance(0.08)) draft.fields['disabled'] = true
    if (random.chance(0.2)) draft.fields['onFailure'] = 'skip'
  }
  const children = nested
    ? nest(nested.random, drafts, { ...made, tries, name: nested.name, within: withinOf(nested, now) })
    : new Map<string, Child>()
  const undos = within === undefined && undoing.chance(0.4) ? compensate(undoing, drafts, tries) : new Map<string, number>()
  const nodes = shuffled(random, drafts).map(({ id, after, fields }) => ({
    id,
    ...(after.size > 0 ? { after: [...after] } : {}),
    ...fields,
  }))
  const workflow = parseInput(workflowSchema, { nodes, ...(random.chance(0.15) && within === undefined ? { failFast: true } : {}) })
  return { workflow, payload: { n: random.below(10) }, tries, undos, children, ...made }
}

/** Makes a workflow that is a node of another one. */
function withinOf({ random, name, depth }: Nested, now: number): ((prefix: string) => RandomWorkflow) | undefined {
  if (depth === 0) return undefined
  return (prefix) => randomWorkflow(random, { now, undoing: random, nested: { random, name, depth: depth - 1 }, within: prefix })
}

/** One to three of the nodes before it, recent ones rather than old ones. */
function precede(random: Random, { after, sources }: Draft, earlier: readonly Draft[]): void {
  const isRoot = earlier.length === 0 || random.chance(sources.size > 0 ? 0.6 : 0.12)
  for (let i = isRoot ? 0 : 1 + random.below(3); i > 0; i--) {
    const source = random.pick(random.chance(0.6) ? earlier.slice(-4) : earlier)
    if (source) after.add(source.id)
  }
  for (const id of after) sources.add(id)
}

function decide(
  random: Random,
  draft: Draft,
  { later, before, conditions }: { later: readonly Draft[]; before: readonly string[]; conditions: Map<string, Condition> },
): void {
  const targets = () => {
    const chosen = Array.from({ length: 1 + random.below(2) }, () => random.pick(random.chance(0.7) ? later.slice(0, 4) : later) as Draft)
    for (const target of chosen) {
      target.sources.add(draft.id)
      // That is the branch, not a second edge.
      if (random.chance(0.3)) target.after.add(draft.id)
    }
    return [...new Set(chosen.map(({ id }) => id))]
  }
  const branches: object[] = Array.from({ length: 1 + random.below(3) }, () => {
    const condition = randomCondition(random, { ancestors: before, keys: KEYS })
    conditions.set(condition.text, condition)
    return { when: condition.text, to: targets() }
  })
  branches.splice(random.chance(0.8) ? branches.length : 0, 0, { otherwise: targets() })
  draft.fields['decision'] = branches
}

function wait(random: Random, now: number, isWithin: boolean): NodeWait {
  const limit = random.chance(0.5) ? { timeoutMs: 1 + random.below(40_000) } : {}
  if (isWithin) return { durationMs: 1 + random.below(20_000) }
  if (random.chance(0.4)) return { signal: random.pick(SIGNALS) ?? 'paid', ...limit }
  if (random.chance(0.5)) return { approval: limit }
  return random.chance(0.7)
    ? { durationMs: 1 + random.below(20_000) }
    : { until: new Date(now - 5_000 + random.below(40_000)).toISOString() }
}

function handle(
  random: Random,
  { id, fields }: Draft,
  { before, values, tries }: { before: readonly string[]; values: Map<string, Judged<unknown>>; tries: number },
): Course {
  fields['handler'] = random.pick(HANDLERS)
  const attempts = random.chance(0.5) ? 1 + random.below(3) : undefined
  if (attempts !== undefined) fields['attempts'] = attempts
  if (random.chance(0.3)) fields['backoff'] = { type: 'fixed', delayMs: 1 + random.below(3_000) }
  if (random.chance(0.15)) {
    const value = randomValue(random, before)
    values.set(value.text, value)
    fields['payload'] = value.text
  }
  const keys = KEYS.filter(() => random.chance(0.3))
  return {
    succeedsAt: random.chance(0.85) ? 1 + random.below(attempts ?? tries) : undefined,
    recovers: random.chance(0.5),
    failure: random.chance(0.7) ? 'failed' : 'timed_out',
    givesUpAt: random.chance(0.3) ? 1 + random.below(2) : undefined,
    result: { n: random.below(10), by: id },
    addition: Object.fromEntries(keys.map((key) => [key, id])),
  }
}

/** Most nodes of handlers can be undone; some also where it is unknown what they have done. Some of that fails, and succeeds when it is tried once more. */
function compensate(random: Random, drafts: readonly Draft[], tries: number): Map<string, number> {
  const undos = new Map<string, number>()
  for (const { id, fields } of drafts) {
    if ((fields['handler'] ?? fields['job']) === undefined || fields['foreach'] !== undefined || random.chance(0.3)) continue
    const attempts = random.chance(0.5) ? 1 + random.below(3) : undefined
    undos.set(id, 1 + random.below((attempts ?? tries) + (random.chance(0.15) ? 2 : 0)))
    const rules = { ...(random.chance(0.5) ? { unknown: true } : {}), ...(attempts === undefined ? {} : { attempts }) }
    fields['compensate'] = Object.keys(rules).length > 0 ? { handler: UNDO, ...rules } : UNDO
  }
  return undos
}

/** The order of the list must not matter. */
function shuffled<Item>(random: Random, items: readonly Item[]): Item[] {
  const left = [...items]
  return items.map(() => left.splice(random.below(left.length), 1)[0] as Item)
}

/** An attempt of a node. @param generation how often it has been begun */
interface Attempt {
  readonly attempt: number
  readonly generation: number
}

/** How an attempt of a node ends. */
export function outcomeOf(course: Course, { attempt, generation }: Attempt) {
  const { succeedsAt, failure, givesUpAt } = course
  if (course.recovers && generation > 1) return { outcome: 'succeeded', isFinal: false } as const
  if (succeedsAt !== undefined) return { outcome: attempt >= succeedsAt ? 'succeeded' : failure, isFinal: false } as const
  return { outcome: failure, isFinal: givesUpAt !== undefined && attempt >= givesUpAt } as const
}

/** How a node ends after all its attempts. One that was lost counts as an attempt, so more of them never change it. */
export const endOf = ({ succeedsAt, failure, recovers }: Course, generation: number) =>
  succeedsAt !== undefined || (recovers && generation > 1) ? 'succeeded' : failure
