import { CALLS, type CallName, CarillonError } from '@carillon/contracts'

/** Fields with what handlers are given, answer or throw, and what they say about it. */
const HIDDEN: ReadonlySet<string> = new Set([
  ...['payload', 'items', 'item', 'result', 'error', 'failure', 'failed', 'data', 'fields', 'arguments', 'body', 'previous', 'context'],
  ...['lastResult', 'redrivenWith', 'definition', 'results'],
  // Of a log line; of a run and of a group of failures the text of an error.
  ...['message', 'fingerprint'],
])

/** Of how far a handler is: what it says about that. */
const PROGRESS: ReadonlySet<string> = new Set(['note'])

/** Searches of payloads, errors and lines: whether they find something says what is in there. */
const SEARCHED = ['text', 'search'] as const

type Answer = Readonly<Record<string, unknown>>

/** @throws CarillonError FORBIDDEN: a search by text, without the right to see payloads */
export function refuseSearch(input: unknown, namespace: string): void {
  const { filter = {}, ...fields } = (input ?? {}) as Answer
  const given = SEARCHED.find((field) => fields[field] !== undefined || (filter as Answer)[field] !== undefined)
  if (given === undefined) return
  throw new CarillonError('FORBIDDEN', `A search by ${given} needs the right to see payloads in ${namespace}`, { field: given })
}

/** Calls that say where texts of errors are sent from now on. */
const SENDS: readonly CallName[] = ['alertChannelsPut']

/** @throws CarillonError FORBIDDEN: payloads would go where someone reads them who may not see them here */
export function refuseSending(name: CallName, namespace: string): void {
  if (!SENDS.includes(name)) return
  throw new CarillonError('FORBIDDEN', `Alerts name errors: a channel needs the right to see payloads in ${namespace}`, { field: 'target' })
}

/** The answer of a call for someone who may not see payloads: what was left out has `hidden: true` beside it. */
export function redact(name: CallName, answer: unknown): unknown {
  const { noun, verb } = CALLS[name]
  // Who may not see errors is not told them in a sentence either.
  const why = name === 'runsWhy' ? ['why'] : []
  const hidden = new Set([...HIDDEN, ...why])
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return withoutPayloads(answer, hidden)
  // Each run has an outcome of its own: a refusal is shown as that of a call would be.
  if (name === 'runsStart' || name === 'runsEnded')
    return { ...answer, runs: ((answer as Answer)['runs'] as Answer[]).map((run) => ('error' in run ? run : withoutPayloads(run, hidden))) }
  const { items, ...rest } = answer as Answer
  // The items of a page are its rows; those of a job are the payloads of its tasks.
  const isPage = Array.isArray(items) && !(noun === 'jobs' && verb !== 'list' && verb !== 'history')
  if (!isPage) return withoutPayloads(answer, hidden)
  return { ...(withoutPayloads(rest, hidden) as object), items: withoutPayloads(items, hidden) }
}

/** A message without payloads, at any depth; the same object where it has none. */
export const hidePayloads = (body: Answer): Answer => withoutPayloads(body, HIDDEN) as Answer

/** Shares what it does not change with the value. */
function withoutPayloads(value: unknown, hidden: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) {
    const kept = value.map((one) => withoutPayloads(one, hidden))
    return kept.every((one, i) => one === value[i]) ? value : kept
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  // A change of a field: `{field: 'payload', from, to}`.
  const { field } = value as { field?: unknown }
  const isHiddenChange = typeof field === 'string' && field.split('.').some((part) => hidden.has(part))
  const shown = entries.filter(([key]) => !hidden.has(key) && !(isHiddenChange && (key === 'from' || key === 'to')))
  const kept = shown.map(([key, one]) => [key, withoutPayloads(one, key === 'progress' ? PROGRESS : hidden)] as const)
  if (shown.length < entries.length) return { ...Object.fromEntries(kept), hidden: true }
  return kept.every(([, one], i) => one === shown[i]?.[1]) ? value : Object.fromEntries(kept)
}
