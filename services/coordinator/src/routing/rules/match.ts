import type { Expression } from '@carillon/expressions'
import type { Routing } from '@carillon/store'
import type { BoundLife } from '../../program-ports.ts'
import { mayHave, type Offer } from '../../programs/rules/compatible.ts'
import type { Load } from './load.ts'

/** A live instance that offers the handler. */
export interface Candidate extends Pick<Offer, 'session' | 'handler'> {
  /** Its name, which it keeps when it is restarted. */
  readonly instance: string
  readonly labels: Readonly<Record<string, string>>
  readonly load: Load
  readonly isHung: boolean
  readonly isCordoned: boolean
}

/** What a task needs of an instance. */
export interface Needs {
  readonly routing: Routing
  readonly life: BoundLife
}

/** Why an instance may not have a task: the first condition that it fails. */
interface Mismatch {
  /** As part of a sentence: how many instances fail it, and which condition it is. */
  readonly why: (count: number) => string
  readonly condition: string
}

const NAMES_SHOWN = 5

/** The condition that an instance fails; undefined: it matches. @param where the compiled expression of the routing */
function mismatchOf(candidate: Candidate, { routing, life }: Needs, where: Expression<'boolean'> | undefined): Mismatch | undefined {
  const { instance, labels, load, isCordoned, isHung } = candidate
  if (!mayHave(candidate, life)) return mismatch((count) => `${count} with another program`)
  const { instances } = routing
  if (instances && !instances.includes(instance)) return mismatch((count) => `${count} ${are(count)} not ${listed(instances)}`)
  for (const name in routing.labels) {
    const label = `${name}=${routing.labels[name]}`
    if (!Object.hasOwn(labels, name) || labels[name] !== routing.labels[name]) return mismatch((count) => `${count} without label ${label}`)
  }
  if (isCordoned) return mismatch((count) => `${count} cordoned`)
  if (isHung) return mismatch((count) => `${count} hung`)
  if (where === undefined) return undefined
  const outcome = where.evaluate({ labels, load })
  if (outcome.ok && outcome.value) return undefined
  const failure = outcome.ok ? '' : `: ${outcome.error.message.split('\n')[0]}`
  return mismatch((count) => `${count} for which \`${where.text}\` is not true${failure}`)
}

export const matches = (candidate: Candidate, needs: Needs, where: Expression<'boolean'> | undefined): boolean =>
  mismatchOf(candidate, needs, where) === undefined

/**
 * Why none of these instances may have a task: which condition failed for how many of them. Undefined if one matches.
 * @param candidates at least one
 */
export function whyNoneMatches(
  candidates: readonly Candidate[],
  needs: Needs,
  where: Expression<'boolean'> | undefined,
): string | undefined {
  const failed = new Map<string, { count: number; mismatch: Mismatch }>()
  for (const candidate of candidates) {
    const found = mismatchOf(candidate, needs, where)
    if (found === undefined) return undefined
    const { count } = failed.get(found.condition) ?? { count: 0 }
    failed.set(found.condition, { count: count + 1, mismatch: found })
  }
  return [...failed.values()].map(({ count, mismatch: { why } }) => why(count)).join(', ')
}

const mismatch = (why: Mismatch['why']): Mismatch => ({ why, condition: why(0) })
const are = (count: number) => (count === 1 ? 'is' : 'are')

function listed(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN
  return `${names.slice(0, NAMES_SHOWN).join(' or ')}${more > 0 ? ` or ${more} more` : ''}`
}
