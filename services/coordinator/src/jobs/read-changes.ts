import { CarillonError, type FieldChange, fieldChanges, type JobChange, type Page, printable } from '@carillon/contracts'
import { pageThatFits } from '@carillon/runtime'
import type { JobChangeRecord, Store } from '@carillon/store'
import { changeOf } from './keep-changes.ts'
import { jobId, jobNotFound } from './rules/job.ts'

/** Letters of the JSON text of a value. */
const VALUE_LETTERS = 2_048

/** A change, and the one before it. */
type Pair = readonly [JobChangeRecord, JobChangeRecord | undefined]

/** The history of a job, for people. */
export class ReadChanges {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** @throws CarillonError JOB_NOT_FOUND if no change of such a job is kept */
  async list(namespace: string, query: { name: string; cursor?: string | undefined; limit: number }): Promise<Page<JobChange>> {
    const from = revisionOf(query.cursor) ?? Number.POSITIVE_INFINITY
    const id = jobId(namespace, query.name)
    const [job] = await this.#store.jobs.get([id])
    const newest = job && job.revision < from ? [changeOf(job)] : []
    // The newest one may be stored as superseded, too, by a change that was not made in the end.
    const below = newest[0]?.revision ?? from
    const page = await pageThatFits(async (maxBytes) => {
      const limit = query.limit - newest.length + 1
      const { items, isMore } = await this.#store.changes.list({ jobId: id, below, limit, maxBytes })
      return this.#slice(id, [...newest, ...items], { isMore, limit: query.limit })
    }, viewsOf)
    if (page.items.length === 0 && query.cursor === undefined) throw jobNotFound(query.name)
    return page
  }

  async #slice(jobId: string, read: readonly JobChangeRecord[], { isMore, limit }: { isMore: boolean; limit: number }) {
    const shown = read.slice(0, limit)
    const last = shown.at(-1)
    const isCut = isMore || read.length > limit
    const before = read[limit] ?? (isCut && last ? await this.#before(jobId, last.revision) : undefined)
    const items = shown.map((change, i): Pair => [change, shown[i + 1] ?? before])
    return { items, ...(isCut && last ? { cursor: String(last.revision) } : {}) }
  }

  async #before(jobId: string, below: number): Promise<JobChangeRecord | undefined> {
    return (await this.#store.changes.list({ jobId, below, limit: 1 })).items[0]
  }
}

/** @throws CarillonError INVALID_REQUEST */
function revisionOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  if (/^\d{1,10}$/.test(cursor)) return Number(cursor)
  throw new CarillonError('INVALID_REQUEST', 'cursor is not one that this list gave out', {
    field: 'cursor',
    value: printable(cursor),
    hint: 'Pass the cursor of the previous page unchanged, or none.',
  })
}

const viewsOf = (pairs: readonly Pair[]): JobChange[] => pairs.map(viewOf)

function viewOf([change, before]: Pair): JobChange {
  const { revision, at, kind, by, version } = change
  const isRemoved = kind === 'removed'
  const isFirst = before === undefined ? revision === 1 : before.kind === 'removed'
  const base = isFirst ? '{}' : before?.definition
  return {
    revision,
    at: new Date(at).toISOString(),
    change: kind,
    ...(by === null ? {} : { by }),
    ...(version === null ? {} : { version }),
    ...(base === undefined || isRemoved ? {} : { fields: fieldChanges(JSON.parse(base), JSON.parse(change.definition)).map(shortened) }),
  }
}

function shortened({ field, from, to }: FieldChange): FieldChange {
  return { field, ...(from === undefined ? {} : { from: short(from) }), ...(to === undefined ? {} : { to: short(to) }) }
}

function short(value: unknown): unknown {
  const text = JSON.stringify(value)
  return text.length <= VALUE_LETTERS ? value : `${text.slice(0, VALUE_LETTERS)}… (${text.length} letters)`
}
