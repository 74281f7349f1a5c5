import { randomBytes } from 'node:crypto'
import { type Document, MongoServerError } from 'mongodb'
import type { InsertOutcome, UpdateOutcome } from '../ports.ts'
import { batchesOf } from './batches.ts'
import type { EncodedDocument, StoredDocument } from './document.ts'
import { DUPLICATE_KEY, isTransient } from './mongo-error.ts'
import { RetryBackoff } from './retry.ts'
import { type ConditionalUpdate, groupsOf, statementOf } from './statements.ts'

type Id = string | number

/** The target of a bulk. The commands are sent as they are: the driver's own bulk would hide why it failed. */
export interface BulkTarget {
  /** Sends a command for this collection. */
  send(command: Document): Promise<WriteReply>
  /** Which of these records remember `writer`, as a majority of the servers knows it. */
  writtenBy(ids: readonly Id[], writer: string): Promise<Set<Id>>
}

/** The reply to `insert` and `update`: how many records were inserted or matched, and an error for each that failed. */
export interface WriteReply {
  readonly n: number
  readonly writeErrors?: readonly WriteFailure[]
  readonly writeConcernError?: { readonly code: number; readonly errmsg?: string }
}

interface WriteFailure {
  readonly index: number
  readonly code: number
  readonly errmsg?: string
}

/** Names one bulk in the records that it writes. */
export const newWriter = () => randomBytes(6).toString('base64url')

/**
 * Inserts each document unless its id is taken. After a lost answer the records show which of them this call created.
 * Sorted by id: two writers that lock the same records in the same order do not deadlock.
 */
export async function insertAll(target: BulkTarget, given: readonly EncodedDocument[]): Promise<InsertOutcome[]> {
  const writer = newWriter()
  const first = new Map(given.toReversed().map((one) => [one.document._id, one]))
  const sorted = [...first.values()].sort((a, b) => (a.document._id < b.document._id ? -1 : 1))
  const created = new Set(sorted.map(({ document }) => document))
  for (const document of created) document.writers = [writer]
  for (const batch of batchesOf(sorted)) {
    const documents = batch.map(({ document }) => document)
    for (const taken of await insertBatch(target, documents, writer)) created.delete(taken)
  }
  return given.map(({ document }) => (created.has(document) ? 'created' : 'duplicate'))
}

/** Answers those whose id was taken by another writer. */
async function insertBatch(target: BulkTarget, batch: StoredDocument[], writer: string): Promise<StoredDocument[]> {
  const taken: StoredDocument[] = []
  const backoff = new RetryBackoff()
  let repeated = false
  for (let pending = batch; pending.length > 0; repeated = true) {
    const sent = pending
    const result = await attempt(() => target.send({ insert: '', documents: sent, ordered: false }), backoff)
    const duplicates = result.failures.filter(({ code }) => code === DUPLICATE_KEY).map(({ index }) => sent[index]!)
    // On the first attempt a taken id belongs to another writer; later it may be what this call stored before the answer was lost.
    const ours = repeated && duplicates.length > 0 ? await target.writtenBy(idsOf(duplicates), writer) : new Set<Id>()
    taken.push(...duplicates.filter(({ _id }) => !ours.has(_id)))
    pending = result.unknown ? sent : result.failures.filter(({ code }) => code !== DUPLICATE_KEY).map(({ index }) => sent[index]!)
  }
  return taken
}

/** Applies each update whose filter matches; its record remembers `writer`. No two have the same id. */
export async function updateAll(target: BulkTarget, updates: readonly ConditionalUpdate[], writer: string): Promise<UpdateOutcome[]> {
  const applied = new Set<Id>()
  const sorted = updates.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  for (const batch of batchesOf(sorted)) for (const id of await updateBatch(target, batch, writer)) applied.add(id)
  return updates.map(({ id }) => (applied.has(id) ? 'applied' : 'refused'))
}

/** Answers the ids of those that took effect. */
async function updateBatch(target: BulkTarget, batch: ConditionalUpdate[], writer: string): Promise<Set<Id>> {
  const applied = new Set<Id>()
  const backoff = new RetryBackoff()
  for (let pending = batch; pending.length > 0; ) {
    const sent = pending
    const groups = groupsOf(sent)
    const result = await attempt(
      () => target.send({ update: '', updates: groups.map((group) => statementOf(group, writer)), ordered: false }),
      backoff,
    )
    const ids = sent.map(({ id }) => id)
    for (const id of result.count === sent.length ? ids : await target.writtenBy(ids, writer)) applied.add(id)
    const again = result.unknown ? sent : result.failures.flatMap(({ index }) => groups[index]!)
    pending = again.filter(({ id }) => !applied.has(id))
  }
  return applied
}

interface Attempt {
  /** The answer was lost, or not acknowledged by a majority: any of them may have taken effect. */
  readonly unknown: boolean
  readonly count: number
  readonly failures: readonly WriteFailure[]
}

const UNKNOWN: Attempt = { unknown: true, count: 0, failures: [] }

/** One attempt. Waits after a transient failure, and throws a permanent one. */
async function attempt(send: () => Promise<WriteReply>, backoff: RetryBackoff): Promise<Attempt> {
  let reply: WriteReply
  try {
    reply = await send()
  } catch (error) {
    await backoff.pause(error)
    return UNKNOWN
  }
  const failures = reply.writeErrors ?? []
  const errors = failures.filter(({ code }) => code !== DUPLICATE_KEY).map(errorOf)
  const fatal = errors.find((error) => !isTransient(error))
  if (fatal !== undefined) throw fatal
  const unsafe = reply.writeConcernError
  if (unsafe !== undefined) await backoff.pause(errorOf(unsafe))
  else if (errors.length > 0) await backoff.pause(errors[0])
  return unsafe === undefined ? { unknown: false, count: reply.n, failures } : UNKNOWN
}

const errorOf = ({ code, errmsg = '' }: { code: number; errmsg?: string }) => new MongoServerError({ message: errmsg, code })
const idsOf = (documents: readonly StoredDocument[]) => documents.map(({ _id }) => _id)
