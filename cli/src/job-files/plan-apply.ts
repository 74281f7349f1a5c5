import type { FieldChange, JobView } from '@carillon/contracts'
import { diffOf } from './job-diff.ts'
import type { FileJob } from './read-jobs-file.ts'
import { type WrittenJob, writtenOf } from './written-job.ts'

/** What becomes of one job. */
export type Step =
  | {
      readonly action: 'create' | 'change' | 'unchanged'
      readonly name: string
      readonly job: FileJob
      readonly fields: readonly FieldChange[]
      readonly stored?: JobView
    }
  | { readonly action: 'remove'; readonly name: string }

/** Compares the jobs of a file with the stored ones: in the order of the file, then what `prune` removes: not what code declares. */
export function planApply(
  jobs: readonly FileJob[],
  stored: readonly JobView[],
  { prune, pausesNewOnly = false }: { prune: boolean; pausesNewOnly?: boolean },
): Step[] {
  const byName = new Map(stored.map((job) => [job.name, job]))
  const steps = jobs.map((job): Step => {
    const there = byName.get(job.written.name)
    const { paused: _, ...withoutState } = job.written
    const written = there && pausesNewOnly ? withoutState : job.written
    const fields = diffOf(there && writtenOf(there), written)
    const action = there === undefined ? 'create' : fields.length > 0 ? 'change' : 'unchanged'
    return { action, name: written.name, job: { ...job, written }, fields, ...(there === undefined ? {} : { stored: there }) }
  })
  if (!prune) return steps
  const kept = new Set(jobs.map(({ written }) => written.name))
  return [
    ...steps,
    ...stored.filter(({ name, version }) => !kept.has(name) && version === undefined).map(({ name }): Step => ({ action: 'remove', name })),
  ]
}

/** A step that makes a job as it is written. */
export type PutStep = Extract<Step, { job: FileJob }>
export const isPut = (step: Step): step is PutStep => step.action === 'create' || step.action === 'change'

/** A call to make for a job. */
export type Call = { readonly put: WrittenJob } | { readonly pause: string }

/** The calls that make a job as it is written. One that is to be paused never has a slot on the way: put, it stays paused. */
export function callsOf({ job: { written }, fields, stored }: PutStep): Call[] {
  const { paused, ...input } = written
  const onlyPaused = fields.every(({ field }) => field === 'paused')
  if (!paused || stored?.state === 'paused') return [{ put: input }]
  const pause = { pause: input.name }
  if (stored !== undefined) return onlyPaused ? [pause] : [pause, { put: input }]
  if (input.schedule === undefined) return [{ put: input }, pause]
  const { schedule: _, ...idle } = input
  return [{ put: idle }, pause, { put: input }]
}
