import { CarillonError, printable } from '@carillon/contracts'
import type { JobRecord } from '@carillon/store'

/** A job that is to be handled now: its slot is to be fired, or it waits for the end of a run. */
export type WokenJob = JobRecord & { readonly wakeAt: number }
/** A job whose slot is to be fired. */
export type DueJob = JobRecord & { readonly nextSlotAt: number; readonly wakeAt: number }

export interface Place {
  readonly namespace: string
  readonly name: string | undefined
}

export const jobId = (namespace: string, name: string) => `${namespace}/${name}`

export function jobNotFound(name: string): CarillonError {
  return new CarillonError('JOB_NOT_FOUND', `there is no job ${printable(name)}`, { field: 'name', value: printable(name) })
}

/** The bytes that each run copies from its job. */
export const largeBytesOf = (job: JobRecord | undefined) => (job ? job.payload.length + (job.items?.length ?? 0) : 0)
