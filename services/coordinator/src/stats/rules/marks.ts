import type { StatsMark } from '@carillon/contracts'
import type { ChangeValue } from '@carillon/store'
import { CHANGES_KEPT } from './rollup.ts'

const SHOWN = 10

const isoOf = (ms: number) => new Date(ms).toISOString()

/** Changes as a chart shows them: those of one kind in the interval of one point together. What was before the first point, or comes after `now`, is none. */
export function marksOf(changes: Iterable<ChangeValue>, { starts, now }: { starts: readonly number[]; now: number }): StatsMark[] {
  const groups = new Map<string, ChangeValue[]>()
  for (const change of [...changes].sort((a, b) => a.at - b.at)) {
    const point = starts.findLastIndex((start) => start <= change.at)
    if (point < 0 || change.at > now) continue
    const key = `${point} ${change.kind}`
    groups.set(key, [...(groups.get(key) ?? []), change])
  }
  return [...groups.values()].map((group) => {
    const [{ at, kind }] = group as [ChangeValue]
    return {
      ...{ at: isoOf(at), kind, count: group.length },
      ...(group.length >= CHANGES_KEPT ? { isMore: true as const } : {}),
      items: group.slice(0, SHOWN).map(({ at: madeAt, kind: _, ...rest }) => ({ at: isoOf(madeAt), ...rest })),
    }
  })
}

/** A version of a service: since when the first of its live instances is there, and which handlers they offer. */
export interface ServiceVersion {
  readonly service: string
  readonly version: string
  readonly since: number
  readonly handlers: readonly string[]
}

/** Service and version, as they are known. */
export type KnownVersions = ReadonlyMap<string, ReadonlySet<string>>

/** Of a service that declares no version; there is nothing to tell apart. */
const UNDECLARED = '0.0.0'
const HANDLERS_KEPT = 100

/**
 * Versions that were not there when this was asked the last time, also those that have come back. A service of which nothing is left keeps its versions: when it
 * starts again, nothing has changed.
 */
export function appeared(known: KnownVersions, live: readonly ServiceVersion[]): { changes: ChangeValue[]; known: KnownVersions } {
  const now = new Map<string, Set<string>>()
  for (const { service, version } of live) now.set(service, (now.get(service) ?? new Set()).add(version))
  const changes = live
    .filter(({ service, version }) => version !== UNDECLARED && !known.get(service)?.has(version))
    .map(
      ({ service, version, since, handlers }): ChangeValue => ({
        ...{ at: since, kind: 'version', service, version },
        handlers: [...handlers].sort().slice(0, HANDLERS_KEPT),
      }),
    )
  return { changes, known: new Map([...known, ...now]) }
}

/** What a coordinator that begins knows: every version that it has marked. */
export function markedVersions(changes: Iterable<ChangeValue>): KnownVersions {
  const known = new Map<string, Set<string>>()
  for (const { service, version } of changes)
    if (service !== undefined && version !== undefined) known.set(service, (known.get(service) ?? new Set()).add(version))
  return known
}
