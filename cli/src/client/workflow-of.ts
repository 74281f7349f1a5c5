import { CALLS, CarillonError, type JobView } from '@carillon/contracts'
import type { Client } from './client.ts'

/** @throws CarillonError JOB_NOT_FOUND, also of a job that is no workflow */
export async function workflowOf(client: Client, name: string): Promise<JobView & { readonly workflow: NonNullable<JobView['workflow']> }> {
  const job = await client.call(CALLS.jobsGet, { name })
  const { workflow } = job
  if (workflow) return { ...job, workflow }
  throw new CarillonError('JOB_NOT_FOUND', `job ${name} is no workflow`, {
    field: 'name',
    value: name,
    hint: `See carillon jobs get ${name}: it has a handler.`,
  })
}
