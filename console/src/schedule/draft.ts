import type { Schedule } from '@carillon/contracts'

export const SCHEDULE_KINDS = ['none', 'cron', 'every', 'after', 'at'] as const
export type ScheduleKind = (typeof SCHEDULE_KINDS)[number]

/** Which kind a schedule is. */
export function kindOfSchedule(schedule: Schedule | undefined): ScheduleKind {
  if (schedule === undefined) return 'none'
  if ('cron' in schedule) return 'cron'
  if ('everyMs' in schedule) return 'every'
  return 'afterMs' in schedule ? 'after' : 'at'
}

const OWN_FIELDS: Readonly<Record<ScheduleKind, readonly string[]>> = {
  none: [],
  cron: ['cron', 'dstGap', 'dstOverlap'],
  every: ['everyMs', 'anchor'],
  after: ['afterMs'],
  at: ['at'],
}
const SHARED_FIELDS: Readonly<Record<ScheduleKind, readonly string[]>> = {
  none: [],
  cron: ['timezone', 'jitterMs', 'startAt', 'endAt', 'calendars'],
  every: ['timezone', 'jitterMs', 'startAt', 'endAt', 'calendars'],
  after: ['timezone', 'jitterMs', 'startAt', 'endAt'],
  at: [],
}
const KNOWN_FIELDS = new Set([...Object.values(OWN_FIELDS), ...Object.values(SHARED_FIELDS)].flat())
const DEFAULTS: Readonly<Record<Exclude<ScheduleKind, 'none'>, object>> = {
  cron: { cron: '0 9 * * MON-FRI' },
  every: { everyMs: 3_600_000 },
  after: { afterMs: 300_000 },
  at: { at: '' },
}

/** A schedule of another kind, with what both kinds have, and what this console does not know. */
export function withKind(
  schedule: Schedule | undefined,
  kind: ScheduleKind,
  defaults: { readonly timezone: string },
): Schedule | undefined {
  if (kind === 'none') return undefined
  if (kind === kindOfSchedule(schedule)) return schedule
  const kept = Object.entries(schedule ?? {}).filter(([name]) => SHARED_FIELDS[kind].includes(name) || !KNOWN_FIELDS.has(name))
  const zone = kind === 'cron' && schedule?.['timezone' as never] === undefined ? { timezone: defaults.timezone } : {}
  return { ...DEFAULTS[kind], ...zone, ...Object.fromEntries(kept) } as Schedule
}

/** The same schedule with another value of a field. @param value undefined: the field is left out */
export function withField(schedule: Schedule, field: string, value: unknown): Schedule {
  const { [field as keyof Schedule]: _, ...rest } = schedule
  return (value === undefined ? rest : { ...schedule, [field]: value }) as Schedule
}

/** The zone of a schedule; undefined: it is UTC, or it needs none. */
export const zoneOf = (schedule: Schedule | undefined): string | undefined =>
  schedule !== undefined && 'timezone' in schedule ? schedule.timezone : undefined

/**
 * The zones to choose from. The engine lists neither UTC nor aliases such as `Asia/Calcutta`, so what is stored, and the zone of the viewer, are always among them:
 * else a saved form would change the zone.
 */
export function zoneChoices(known: readonly string[], ...more: readonly (string | undefined)[]): string[] {
  const own = more.filter((zone): zone is string => zone !== undefined && zone !== '')
  return [...new Set(['UTC', ...own, ...known.toSorted()])]
}
