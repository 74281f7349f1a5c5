import { timeLetters } from '@carillon/contracts'
import { derivedId, markStep } from '@carillon/runtime'
import type { JobRecord } from '@carillon/store'
import type { RunOrigin, UnfiredSlots } from '../runs/rules/new-run.ts'

/** The id begins with the slot's time: runs that are due together lie together in the store. */
export function originOf(job: JobRecord, slot: number, options: { now: number; reason?: UnfiredSlots['reason'] }): RunOrigin {
  const parts = options.reason === undefined ? [slot] : [options.reason === 'misfire' ? 'missed' : options.reason, slot]
  const id = derivedId(`s${timeLetters(slot)}`, job.namespace, job.name, ...parts)
  const traceparent = markStep('carillon.run.created', undefined, { 'carillon.run.id': id, 'carillon.namespace': job.namespace })
  return { id, namespace: job.namespace, trigger: 'schedule', traceparent: traceparent ?? null, now: options.now }
}
