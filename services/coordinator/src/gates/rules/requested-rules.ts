import { CarillonError, GATING_FIELDS, type Gating, parseInput, printable, type StartRun, startRunSchema } from '@carillon/contracts'
import type { JobRecord, RunHead } from '@carillon/store'
import { gatingOf } from './gating.ts'

/** Whose rules a gate goes by: those of a job, or those that requests for runs of a handler give. */
export type RuledJob = Pick<JobRecord, 'namespace' | 'name' | 'gating'>

/** No name of a job begins with it. */
const MARK = '~'

/**
 * The rules that a request for a run of a handler gives: they hold among all runs of the handler that were requested with the same ones.
 * @throws CarillonError INVALID_REQUEST of a job, whose rules hold for each of its runs, and of rules that contradict each other
 */
export function requestedRules(
  namespace: string,
  { request, job }: { request: StartRun; job: JobRecord | undefined },
): RuledJob | undefined {
  const given = GATING_FIELDS.find((rule) => request[rule] !== undefined)
  if (given === undefined) return undefined
  if (job)
    throw new CarillonError('INVALID_REQUEST', `${given} is a rule of job ${job.name} and holds for all its runs`, {
      field: given,
      value: JSON.stringify(request[given]),
      hint: 'Put the job with it, or leave it out of the request.',
    })
  const gating = gatingOf(request) as Gating
  return { namespace, name: nameOf(request.handler ?? (request.job as string), gating), gating }
}

const nameOf = (handler: string, gating: Gating) => `${MARK}${handler}${MARK}${JSON.stringify(gating)}`

/** The name by which the rules are found that a run goes by; null: there are none. */
export function rulesNameOf({ job, handler, terms }: Pick<RunHead, 'job' | 'handler' | 'terms'>): string | null {
  return job ?? (terms?.rules ? nameOf(handler, terms.rules) : null)
}

/** The rules by such a name, if a request gave them. */
export function rulesIn(namespace: string, name: string): RuledJob | undefined {
  if (!name.startsWith(MARK)) return undefined
  return { namespace, name, gating: JSON.parse(name.slice(name.indexOf(MARK, 1) + 1)) as Gating }
}

/** A name that a signal brings: of rules as a request may give them. @throws CarillonError INVALID_REQUEST */
export function checkRulesName(name: string): void {
  const end = name.indexOf(MARK, 1)
  const [handler, text] = [name.slice(1, end), name.slice(end + 1)]
  try {
    const gating = gatingOf(parseInput(startRunSchema, { ...(JSON.parse(text) as object), handler }, 'rules'))
    if (gating !== null && nameOf(handler, gating) === name) return
  } catch (error) {
    if (!CarillonError.is(error) && !(error instanceof SyntaxError)) throw error
  }
  throw new CarillonError('INVALID_REQUEST', `rules is wrong: ${printable(name)}`, {
    field: 'rules',
    value: printable(name),
    hint: 'Send what a coordinator sends: the handler, and the rules of its requests.',
  })
}

/** What a subject names of them. */
export const subjectTokenOf = (name: string) => (name.startsWith(MARK) ? name.slice(1, name.indexOf(MARK, 1)) : name)
