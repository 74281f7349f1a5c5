import { CALLS, CarillonError, type JobInput, type JobView, refuseCycle } from '@carillon/contracts'
import type { Client } from '../client/client.ts'
import { type EntryProblem, problemAt, refuse } from './file-problems.ts'
import { callsOf, isPut, type PutStep, type Step } from './plan-apply.ts'

/** Jobs that are checked at the same time. */
const CHECKED_TOGETHER = 16

/** Asks the service whether it would accept each job, before any of them is put. @throws CarillonError that names lines */
export async function checkJobs(
  client: Client,
  { steps, stored }: { steps: readonly Step[]; stored: readonly JobView[] },
  file: string,
): Promise<void> {
  const changed = steps.filter(isPut)
  const problems = cyclesIn(changed, stored)
  for (let i = 0; i < changed.length; i += CHECKED_TOGETHER) {
    const found = await Promise.all(changed.slice(i, i + CHECKED_TOGETHER).map((step) => problemOf(client, step)))
    problems.push(...found.filter((problem) => problem !== undefined))
  }
  refuse(file, problems)
}

async function problemOf(client: Client, { name, job }: PutStep): Promise<EntryProblem | undefined> {
  const { paused: _, ...input } = job.written
  try {
    await client.call(CALLS.jobsCheck, input)
    return undefined
  } catch (error) {
    const problem = CarillonError.from(error)
    // That the service cannot be asked says nothing about the file.
    if (problem.retry || problem.details.field === undefined) throw error
    return problemAt(problem, job.lineOf(problem.details.field), name)
  }
}

/** Jobs that would start themselves, over whichever others, once the file is applied. */
function cyclesIn(changed: readonly PutStep[], stored: readonly JobView[]): EntryProblem[] {
  const parents = new Map(stored.map((job) => [job.name, parentsOf(job)]))
  for (const { name, job } of changed) parents.set(name, parentsOf(job.written))
  return changed.flatMap(({ name, job }) => {
    try {
      refuseCycle(name, parents.get(name) ?? [], (other) => parents.get(other) ?? [])
      return []
    } catch (error) {
      return [problemAt(CarillonError.from(error), job.lineOf('afterJobs'), name)]
    }
  })
}

const parentsOf = ({ afterJobs = [] }: Pick<JobInput, 'afterJobs'>) => afterJobs.map(({ job }) => job)

/** Parents first: on the way to what the file says there is no circle either that is not in it. Removals come last. */
function inOrder(steps: readonly Step[]): Step[] {
  const byName = new Map(steps.filter(isPut).map((step) => [step.name, step]))
  const ordered = new Set<Step>()
  const add = (step: PutStep) => {
    byName.delete(step.name)
    for (const parent of parentsOf(step.job.written)) {
      const first = byName.get(parent)
      if (first) add(first)
    }
    ordered.add(step)
  }
  for (const step of byName.values()) add(step)
  return [...ordered, ...steps.filter(({ action }) => action === 'remove')]
}

/** Makes the jobs as they are written, one after the other, parents first. @throws CarillonError of the first that is refused, with what was done before it */
export async function applySteps(
  client: Client,
  steps: readonly Step[],
  { file, warn }: { file: string; warn: (text: string) => void },
): Promise<void> {
  const todo = inOrder(steps)
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
