import { randomBytes } from 'node:crypto'
import { type Collection, type Document, MongoBulkWriteError, type WriteError } from 'mongodb'
import type { InsertOutcome, UpdateOutcome } from '../ports.ts'
import type { StoredDocument } from './document.ts'
import { DUPLICATE_KEY, isTransientCode } from './mongo-error.ts'
import { Patience, withRetry } from './retry.ts'

type Documents = Collection<StoredDocument>

/** One conditional update. The filter names `_id`. */
export interface ConditionalUpdate {
  readonly id: string
  readonly filter: Document
  readonly update: Document
}

/** Names one bulk in the records that it writes. */
export const newWriter = () => randomBytes(6).toString('base64url')

/**
 * Inserts each document unless its id is taken. After a lost answer the records themselves tell which of them this call created.
 * Sorted by id: two writers that lock the same records in the same order do not deadlock.
 */
export async function insertAll(collection: Documents, documents: readonly StoredDocument[]): Promise<InsertOutcome[]> {
  const writer = newWriter()
  const first = new Map(documents.toReversed().map((document) => [document._id, document]))
  let pending = [...first.values()].sort(byId)
  for (const document of pending) document.writers = [writer]
  const created = new Set(pending.map((document) => document._id))
  const patience = new Patience()
  for (let attempts = 1; pending.length > 0; attempts++) {
    const failures = await attempt(() => collection.insertMany(pending, { ordered: false }), patience)
    const taken = failures.items.flatMap((failure) => (failure.code === DUPLICATE_KEY ? [pending[failure.index]!._id] : []))
    // On the first attempt a taken id is someone else's; later it may be what we stored before the answer was lost.
    const ours = attempts === 1 || taken.length === 0 ? new Set() : await writtenBy(collection, taken, writer)
    for (const id of taken) if (!ours.has(id)) created.delete(id)
    pending = failures.all
      ? pending
      : failures.items.flatMap((failure) => (failure.code === DUPLICATE_KEY ? [] : [pending[failure.index]!]))
  }
  return documents.map((document) => (created.has(document._id) && first.get(document._id) === document ? 'created' : 'duplicate'))
}

/** Applies each update whose filter matches. All of them carry `writer`, and no two have the same id. */
export async function updateAll(collection: Documents, updates: readonly ConditionalUpdate[], writer: string): Promise<UpdateOutcome[]> {
  const applied = new Set<string | number>()
  let pending = updates.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const patience = new Patience()
  while (pending.length > 0) {
    const operations = pending.map(({ filter, update }) => ({ updateOne: { filter, update } }))
    let matched = 0
    const failures = await attempt(async () => {
      matched = (await collection.bulkWrite(operations, { ordered: false })).matchedCount
    }, patience)
    if (matched === pending.length) for (const { id } of pending) applied.add(id)
    else
      for (const id of await writtenBy(
        collection,
        pending.map(({ id }) => id),
        writer,
      ))
        applied.add(id)
    const again = failures.all ? pending : failures.items.map((failure) => pending[failure.index]!)
    pending = again.filter(({ id }) => !applied.has(id))
  }
  return updates.map(({ id }) => (applied.has(id) ? 'applied' : 'refused'))
}

interface Failures {
  /** Nothing is known about any of them: the answer was lost, or is not yet safe. */
  readonly all: boolean
  readonly items: readonly { readonly index: number; readonly code: number }[]
}

const NONE: Failures = { all: false, items: [] }

/** One attempt at a bulk. Waits after a transient failure; throws what will not pass. */
async function attempt(send: () => Promise<unknown>, patience: Patience): Promise<Failures> {
  try {
    await send()
    return NONE
  } catch (error) {
    const items = error instanceof MongoBulkWriteError ? writeErrorsOf(error) : []
    const others = items.filter(({ code, errmsg }) => code !== DUPLICATE_KEY && !isTransientCode(code, errmsg ?? ''))
    if (others.length > 0) throw error
    const everyItem = items.length === 0 || (error as MongoBulkWriteError).result.getWriteConcernError() !== undefined
    if (everyItem || items.some(({ code }) => code !== DUPLICATE_KEY)) await patience.pause(transientOf(error, items))
    return { all: everyItem, items }
  }
}

const writeErrorsOf = (error: MongoBulkWriteError): WriteError[] => [error.writeErrors].flat()

/** A bulk error has the code of its first item, which may be a mere duplicate. */
function transientOf(error: unknown, items: readonly WriteError[]): unknown {
  const cause = items.find(({ code }) => code !== DUPLICATE_KEY)
  if (cause !== undefined && error instanceof MongoBulkWriteError) error.code = cause.code
  return error
}

/** Which of these records remember `writer`. Read from a majority: what is seen here stays. */
async function writtenBy(collection: Documents, ids: readonly (string | number)[], writer: string): Promise<Set<string | number>> {
  const found = await withRetry(() =>
    collection
      .find({ _id: { $in: [...ids] }, writers: writer })
      .project<StoredDocument>({ _id: 1 })
      .toArray(),
  )
  return new Set(found.map((document) => document._id))
}

const byId = (a: StoredDocument, b: StoredDocument) => (a._id < b._id ? -1 : 1)
