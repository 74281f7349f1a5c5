import { shareOf } from '@carillon/store'
import { jobId } from '../../jobs/rules/job.ts'
import { isCoalescing } from './coalescing.ts'

/** A gate that is to be checked. */
export interface GateHint {
  readonly id: string
  readonly namespace: string
  readonly job: string
  /** Of the runs that wait there, as in `RunRecord.gateKey`. */
  readonly key: string
  /** Runs that have ended since. */
  readonly ended: ReadonlySet<string>
  /** Its `wakeAt` has come: what is over is removed, too. */
  readonly isSweep?: boolean
}

/** The share that a gate belongs to: a gate of a job is owned with its job, so that slots find their gate in the same process. */
export const shareOfGate = ({ id, namespace, job }: Pick<GateHint, 'id' | 'namespace' | 'job'>) =>
  shareOf(id.startsWith('gk') || isCoalescing(id) ? id : jobId(namespace, job))
