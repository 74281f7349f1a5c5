import type { Document } from 'mongodb'
import type { StoredValue } from '../columns.ts'
import { weight } from './batches.ts'

/** One conditional update. The filter does not contain `_id`. */
export interface ConditionalUpdate {
  readonly id: string
  readonly filter: Document
  /** The fields that it changes; a field without a value is removed. */
  readonly set: Readonly<Record<string, StoredValue>>
  /** Of these fields, at most. */
  readonly bytes: number
}

/** The writers that are remembered: more than will change one record between an update and the read that verifies it. */
const WRITERS_KEPT = 8

/** An engine searches the values of a statement once for each of its records, and may copy them. */
const VALUES_AT_MOST = 100
const VALUE_BYTES_AT_MOST = 64 * 1024

/**
 * Updates that are one statement: they expect the same, and change the same fields. An engine takes one statement for many records several times faster
 * than one for each.
 */
export function groupsOf(updates: readonly ConditionalUpdate[]): ConditionalUpdate[][] {
  const groups = new Map<string, ConditionalUpdate[]>()
  for (const update of updates) {
    const key = keyOf(update)
    const group = groups.get(key)
    if (group) group.push(update)
    else groups.set(key, [update])
  }
  return [...groups.values()].flatMap(partsOf)
}

function keyOf({ filter, set }: ConditionalUpdate): string {
  let key = JSON.stringify(filter)
  for (const field in set) key += set[field] === null ? `-${field}` : `+${field}`
  return key
}

/** A group whose records get different values is several statements, each with few values. */
function partsOf(group: ConditionalUpdate[]): ConditionalUpdate[][] {
  const fields = differingIn(group)
  if (fields.length === 0) return [group]
  const parts: ConditionalUpdate[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const update of group) {
    const more = fields.reduce((sum, field) => sum + weight(update.set[field]), 0)
    const last = parts.at(-1)
    if (last !== undefined && last.length < VALUES_AT_MOST && bytes + more <= VALUE_BYTES_AT_MOST) {
      last.push(update)
      bytes += more
    } else {
      parts.push([update])
      bytes = more
    }
  }
  return parts
}

const differingIn = (group: readonly ConditionalUpdate[]): string[] => {
  const [{ set }] = group as [ConditionalUpdate]
  return Object.keys(set).filter((field) => group.some((other) => other.set[field] !== set[field]))
}

/** The statement of a group, whose records remember `writer`. */
export function statementOf(group: readonly ConditionalUpdate[], writer: string): Document {
  const [{ id, filter, set }] = group as [ConditionalUpdate]
  if (group.length === 1) return { q: { _id: id, ...filter }, u: sameChange(set, writer) }
  const differing = differingIn(group)
  const u = differing.length === 0 ? sameChange(set, writer) : changeById(group, { differing, writer })
  return { q: { _id: { $in: group.map((one) => one.id) }, ...filter }, u, multi: true }
}

function sameChange(values: ConditionalUpdate['set'], writer: string): Document {
  const set: Record<string, StoredValue> = {}
  const unset: Record<string, ''> = {}
  for (const field in values) {
    const value = values[field] as StoredValue
    if (value === null) unset[field] = ''
    else set[field] = value
  }
  const update: Document = { $push: { writers: { $each: [writer], $slice: -WRITERS_KEPT } } }
  // MongoDB before 5.0 refuses an empty $set or $unset.
  if (Object.keys(set).length > 0) update['$set'] = set
  if (Object.keys(unset).length > 0) update['$unset'] = unset
  return update
}

/** A pipeline that finds the values of a record by the place of its id. Literals, because a text may look like an expression. */
function changeById(
  group: readonly ConditionalUpdate[],
  { differing, writer }: { differing: readonly string[]; writer: string },
): Document[] {
  const [{ set: values }] = group as [ConditionalUpdate]
  const place = { $indexOfArray: [{ $literal: group.map(({ id }) => id) }, '$_id'] }
  const writers = { $concatArrays: [{ $ifNull: ['$writers', []] }, [{ $literal: writer }]] }
  const set: Document = { writers: { $slice: [writers, -WRITERS_KEPT] } }
  const unset: string[] = []
  for (const field in values) {
    if (values[field] === null) unset.push(field)
    else if (differing.includes(field)) set[field] = { $arrayElemAt: [{ $literal: group.map((one) => one.set[field]) }, place] }
    else set[field] = { $literal: values[field] }
  }
  return unset.length === 0 ? [{ $set: set }] : [{ $set: set }, { $unset: unset }]
}
