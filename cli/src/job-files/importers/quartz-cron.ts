import { LeftOut } from './import-result.ts'

/** A cron expression of Quartz as one of ours, and the bounds that its year field sets. */
export interface QuartzSchedule {
  readonly cron: string
  readonly startAt?: string
  readonly endAt?: string
}

/**
 * Translates 6 or 7 fields of Quartz. There 1 is Sunday and 7 is Saturday, `?` stands for no rule, and a seventh field holds the year.
 * @throws LeftOut for what cannot be said here: `W`, `L-3`, both day fields, years with gaps
 */
export function fromQuartz(text: string, note: (text: string) => void): QuartzSchedule {
  const fields = text.trim().toUpperCase().split(/\s+/)
  if (fields.length !== 6 && fields.length !== 7)
    throw new LeftOut(`cron "${text}" has ${fields.length} fields, not 6 or 7 as Quartz has them`)
  const [second = '', minute = '', hour = '', day = '', month = '', weekday = '', year = '*'] = fields
  if (day.includes('W')) throw new LeftOut(`cron "${text}": W (the nearest weekday) cannot be said here`)
  if (/L-\d/.test(day)) throw new LeftOut(`cron "${text}": ${day} (days before the end of the month) cannot be said here`)
  if (!isAny(day) && !isAny(weekday)) throw new LeftOut(`cron "${text}" names days of the month and of the week, which Quartz refuses`)
  const weekdays = isAny(weekday) ? '*' : weekday.split(',').map(weekdayFrom).join(',')
  const cron = [second, minute, hour, isAny(day) ? '*' : day, month, weekdays].join(' ')
  if (weekdays !== weekday && !isAny(weekday))
    note(`days of the week ${weekday} of Quartz, where 1 is Sunday, are ${weekdays} here, where 0 is Sunday`)
  return { cron, ...yearsFrom(year, text, note) }
}

const isAny = (field: string) => field === '*' || field === '?'

/** One part of the field: a number, a range, either with a step, the last (`6L`) or the third (`6#3`) of a month. */
function weekdayFrom(part: string): string {
  if (part === 'L') return '6'
  const [days = '', step] = part.split('/')
  const shifted = days.replace(/^(\d+)|(?<=-)(\d+)/g, (number) => String(Number(number) - 1))
  if (!/^([A-Z]{3}|[0-6]|\*)(-([A-Z]{3}|[0-6]))?L?(#[1-5])?$/.test(shifted))
    throw new LeftOut(`day of the week "${part}" is none of Quartz`)
  if (step === undefined) return shifted
  // From one day on, to the end of its week, which is Saturday.
  return /^\d$/.test(shifted) ? `${shifted}-6/${step}` : `${shifted}/${step}`
}

function yearsFrom(year: string, text: string, note: (text: string) => void): { startAt?: string; endAt?: string } {
  if (isAny(year)) return {}
  const [, first, last = first] = /^(\d{4})(?:-(\d{4}))?$/.exec(year) ?? []
  if (first === undefined || last === undefined)
    throw new LeftOut(`cron "${text}": years "${year}" cannot be said here: only one year, or a range`)
  note(`the years ${year} are its start and its end`)
  return { startAt: `${first}-01-01`, endAt: `${last}-12-31` }
}
