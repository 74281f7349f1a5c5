import { CALLS, CarillonError, type JobChecked, type JobInput, type JobView, printable, type Workflow } from '@carillon/contracts'
import { checkObject } from '../check-object.ts'
import type { StandardSchema } from '../executor/standard-schema.ts'
import { type AnyWorkflow, type Finished, isWorkflow, WorkflowBuilder } from '../workflow-definition.ts'
import type { Caller } from './caller.ts'
import { type List, type ListQuery, listOf } from './list.ts'

/** A job whose runs are workflows, as a plain object. */
export type WorkflowJob = JobInput & { readonly workflow: NonNullable<JobInput['workflow']> }
/** The same as services show it. */
export type WorkflowView = JobView & { readonly workflow: Workflow }

/** A workflow that is complete, one whose construction has come to its end, or a plain object. */
export type WorkflowToPut<Known extends string, To extends string> =
  | AnyWorkflow
  | (WorkflowBuilder<StandardSchema | undefined, Known, To> & Finished<Known, To>)
  | WorkflowJob

/** Workflows: jobs with a graph. To pause, resume and remove one, and for its history, see `client.jobs`. */
export class Workflows {
  readonly #caller: Caller

  /** @internal */
  constructor(caller: Caller) {
    this.#caller = caller
  }

  /**
   * Create a workflow, or replace the one of that name. Runs that have begun keep the graph that they began with.
   * @throws CarillonError INVALID_WORKFLOW with all that is wrong in `details.problems`, and those of `jobs.put`
   */
  async put<Known extends string, To extends string>(workflow: WorkflowToPut<Known, To>): Promise<WorkflowView> {
    return viewOf(await this.#caller.call(CALLS.jobsPut, jobOf(workflow)))
  }

  /** Whether `put` would accept a workflow; stores nothing. @throws CarillonError as `put` */
  async validate<Known extends string, To extends string>(workflow: WorkflowToPut<Known, To>): Promise<JobChecked> {
    return this.#caller.call(CALLS.jobsCheck, jobOf(workflow))
  }

  /** @throws CarillonError JOB_NOT_FOUND, also of a job that is no workflow */
  async get(name: string): Promise<WorkflowView> {
    return viewOf(await this.#caller.call(CALLS.jobsGet, { name }))
  }

  /** Workflows by name. A page may be empty and have a `next`: it is read from those of all jobs. */
  list(query: ListQuery = {}): List<WorkflowView> {
    return listOf(query, async (page) => {
      const { items, ...rest } = await this.#caller.call(CALLS.jobsList, page)
      return { ...rest, items: items.filter(isView) }
    })
  }
}

function jobOf(given: unknown): WorkflowJob {
  if (given instanceof WorkflowBuilder) return (given as WorkflowBuilder<undefined>).done().job as WorkflowJob
  const object = checkObject('workflow', given as object)
  if (isWorkflow(object)) return object.job as WorkflowJob
  if ('workflow' in object) return object as WorkflowJob
  throw new CarillonError('INVALID_REQUEST', 'the job has no graph', {
    field: 'workflow',
    value: 'undefined',
    hint: 'Give { name, workflow: { nodes: [...] } }, or what workflow(name) makes.',
  })
}

const isView = (job: JobView): job is WorkflowView => job.workflow !== undefined

function viewOf(job: JobView): WorkflowView {
  if (isView(job)) return job
  const value = printable(job.name)
  throw new CarillonError('JOB_NOT_FOUND', `job ${value} is no workflow`, { field: 'name', value, hint: 'See jobs.get: it has a handler.' })
}
