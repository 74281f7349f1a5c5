import { LIMITS } from '@carillon/contracts'
import { changeId, type JobChangeRecord, type JobRecord, type Store } from '@carillon/store'
import { historyOf } from './rules/job-record.ts'

/**
 * Keeps what newer changes of jobs supersede. The newest change is in the job's record; it is inserted here before that record is replaced, so a crash in
 * between loses nothing, and a repetition finds it there.
 */
export class KeepChanges {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** The job is about to be replaced or removed. */
  async superseded(job: JobRecord): Promise<void> {
    const outcome = await this.#store.changes.insert(changeOf(job))
    const below = job.revision - LIMITS.changesPerJob + 2
    if (outcome === 'created' && below > 1) await this.#store.changes.trim({ jobId: job.id, below })
  }

  async removed({ id, revision }: JobRecord, { by, at }: { by: string | undefined; at: number }): Promise<void> {
    const next = revision + 1
    const change = { id: changeId(id, next), revision: next, at, kind: 'removed', by: by ?? null, version: null, definition: '{}' } as const
    await this.#store.changes.insert(change)
  }

  /** Of a job that is created: behind those of jobs that had its name. The number of a removal that is still to be kept stays free. */
  async firstRevision(jobId: string): Promise<number> {
    const { items } = await this.#store.changes.list({ jobId, below: Number.POSITIVE_INFINITY, limit: 1 })
    const [last] = items
    if (!last) return 1
    return last.revision + (last.kind === 'removed' ? 1 : 2)
  }
}

/** The change that led to the job as it is stored. */
export function changeOf(job: JobRecord): JobChangeRecord {
  const kind = job.change?.kind ?? 'put'
  return {
    id: changeId(job.id, job.revision),
    revision: job.revision,
    at: job.updatedAt,
    kind,
    by: job.change?.by ?? null,
    version: kind === 'declared' ? (job.declared?.version ?? null) : null,
    definition: JSON.stringify(historyOf(job)),
  }
}
