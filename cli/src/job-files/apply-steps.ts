import { CALLS, CarillonError } from '@carillon/contracts'
import type { Client } from '../client/client.ts'
import { type EntryProblem, problemAt, refuse } from './file-problems.ts'
import { callsOf, isPut, type PutStep, type Step } from './plan-apply.ts'

/** Schedules that are checked at the same time. */
const CHECKED_TOGETHER = 16

/** Asks the service whether it would accept the new schedules and their calendars, before any job is put. @throws CarillonError that names lines */
export async function checkSchedules(client: Client, steps: readonly Step[], file: string): Promise<void> {
  const changed = steps.filter(isPut).filter(({ fields }) => fields.some(({ field }) => field.startsWith('schedule')))
  const problems: EntryProblem[] = []
  for (let i = 0; i < changed.length; i += CHECKED_TOGETHER) {
    const found = await Promise.all(changed.slice(i, i + CHECKED_TOGETHER).map((step) => scheduleProblem(client, step)))
    problems.push(...found.filter((problem) => problem !== undefined))
  }
  refuse(file, problems)
}

async function scheduleProblem(client: Client, { name, job }: PutStep): Promise<EntryProblem | undefined> {
  const { schedule } = job.written
  if (schedule === undefined) return undefined
  try {
    await client.call(CALLS.jobsPreview, { schedule, count: 1 })
    return undefined
  } catch (error) {
    const problem = CarillonError.from(error)
    // That the service cannot be asked says nothing about the file.
    if (problem.retry || problem.details.field === undefined) throw error
    return problemAt(problem, job.lineOf(problem.details.field), name)
  }
}

/** Makes the jobs as they are written, one after the other. @throws CarillonError of the first that is refused, with what was done before it */
export async function applySteps(
  client: Client,
  steps: readonly Step[],
  { file, warn }: { file: string; warn: (text: string) => void },
): Promise<void> {
  const todo = steps.filter(({ action }) => action !== 'unchanged')
  for (const [i, step] of todo.entries()) {
    try {
      if (isPut(step)) for (const warning of await put(client, step)) warn(`job ${step.name}: ${warning}`)
      else await client.call(CALLS.jobsRemove, { name: step.name, keepRuns: false })
    } catch (error) {
      const problem = CarillonError.from(error)
      // Somebody else has removed it in the meantime.
      if (!isPut(step) && problem.code === 'JOB_NOT_FOUND') continue
      const where = isPut(step) ? `${file}:${step.job.lineOf(problem.details.field)}: ` : ''
      const done = `${i} of ${todo.length} changes were applied before; apply the file again when this is corrected`
      const { code, message, details, retry } = problem
      throw new CarillonError(code, `${where}job ${JSON.stringify(step.name)}: ${message} (${done})`, { ...details, retry, cause: error })
    }
  }
}

async function put(client: Client, step: PutStep): Promise<readonly string[]> {
  let warnings: readonly string[] = []
  for (const call of callsOf(step)) {
    if ('pause' in call) await client.call(CALLS.jobsPause, { name: call.pause })
    else warnings = (await client.call(CALLS.jobsPut, call.put)).warnings ?? []
  }
  return warnings
}
