import type { Schedule } from '@carillon/contracts'
import { exactSpanText } from './time-text.ts'

/** A schedule as a person reads it. */
export function scheduleText(schedule: Schedule | undefined): string {
  if (schedule === undefined) return ''
  if ('at' in schedule) return atText(schedule.at)
  const parts = [
    timesText(schedule),
    'cron' in schedule && schedule.dstGap === 'skip' ? 'not in the gap of a changed clock' : '',
    'cron' in schedule && schedule.dstOverlap === 'both' ? 'twice in a repeated hour' : '',
    schedule.jitterMs ? `up to ${exactSpanText(schedule.jitterMs)} later` : '',
    ...(('calendars' in schedule && schedule.calendars) || []).map(
      ({ rule, calendar }) => `${rule === 'skip' ? 'not on' : 'only on'} ${calendar}`,
    ),
    schedule.startAt === undefined ? '' : `from ${schedule.startAt}`,
    schedule.endAt === undefined ? '' : `until ${schedule.endAt}`,
  ]
  return parts.filter(Boolean).join(', ')
}

function timesText(schedule: Exclude<Schedule, { at: unknown }>): string {
  const zone = schedule.timezone === undefined ? '' : ` ${schedule.timezone}`
  if ('cron' in schedule) return `${schedule.cron}${zone}`
  if ('afterMs' in schedule) return `${exactSpanText(schedule.afterMs)} after the end of a run`
  const { everyMs, anchor } = schedule
  return anchor === undefined ? `every ${exactSpanText(everyMs)}` : `every ${exactSpanText(everyMs)} from ${anchor}${zone}`
}

function atText(at: string | readonly string[]): string {
  if (typeof at === 'string') return `at ${at}`
  return at.length > 3 ? `at ${at.slice(0, 2).join(', ')} and ${at.length - 2} more times` : `at ${at.join(', ')}`
}
