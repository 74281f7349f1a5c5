import { CarillonError, type RunState } from '@carillon/contracts'
import type { RunFilter, RunListQuery, RunSlice } from './search-port.ts'
import { decodeCursor, encodeCursor } from './slice.ts'

/** Where a run stands in a list. */
export interface RunPlaceInList {
  readonly time: number
  readonly id: string
}

/** Runs that one index has in the order of a list. */
export interface Branch {
  /** Those that pass, in the order of the list; no more than one page and one more. */
  readonly found: readonly RunPlaceInList[]
  /** The last run that was read, if others follow it. */
  readonly end?: RunPlaceInList | undefined
}

/** A page of a list, before its runs are read. */
export interface Places {
  readonly places: readonly RunPlaceInList[]
  /** The next page begins after it; undefined at the end. */
  readonly end?: RunPlaceInList | undefined
}

/** Letters of a payload up to which it is searched. */
export const SEARCHED_PAYLOAD = 4_096

export const positionOf = (cursor: string | undefined): RunPlaceInList | undefined => {
  const position = decodeCursor(cursor, ['number', 'string'])
  return position && { time: position[0], id: position[1] }
}
/** What follows a run; nothing, if none is given. */
export const placeAfter = (last: RunPlaceInList | undefined): Pick<RunSlice, 'cursor' | 'reached'> =>
  last === undefined ? {} : { cursor: encodeCursor([last.time, last.id]), reached: last.time }

/** How a text stands within the texts of JSON. */
export const withinJson = (text: string): string => JSON.stringify(text).slice(1, -1)

/** What the order of a list is about. @throws CarillonError INTERNAL of ends without states: a fault of the caller */
export function timeOf({ time = 'createdAt', states }: RunFilter): 'createdAt' | 'endedAt' {
  if (time === 'endedAt' && states === undefined) throw new CarillonError('INTERNAL', 'Runs by their end need states.', { field: 'states' })
  return time
}

/**
 * A list of several states is that of each of them, if an index has each in the order of the list; else one of all runs, on which the states are tested.
 * @param isIndexed whether an index has the runs of a state
 */
export function branchesOf({ states }: RunFilter, isIndexed: (state: RunState) => boolean): readonly (RunState | undefined)[] {
  return states?.every(isIndexed) ? [...new Set(states)] : [undefined]
}

/** Merges what several indexes have found. What lies behind the end of one of them comes with a later page. */
export function mergeBranches(branches: readonly Branch[], { order = 'newest', limit }: Pick<RunListQuery, 'order' | 'limit'>): Places {
  const sign = order === 'newest' ? -1 : 1
  const compare = (one: RunPlaceInList, other: RunPlaceInList) => sign * (one.time - other.time || (one.id < other.id ? -1 : 1))
  const [end] = branches.flatMap((branch) => branch.end ?? []).sort(compare)
  const all = branches.flatMap(({ found }) => found)
  const merged = (branches.length === 1 ? all : all.sort(compare)).filter(
    (one) => end === undefined || one.id === end.id || compare(one, end) < 0,
  )
  if (merged.length > limit) return { places: merged.slice(0, limit), end: merged[limit - 1] }
  return { places: merged, end }
}
