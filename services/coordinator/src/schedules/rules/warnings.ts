import type { Schedule } from '@carillon/contracts'

/** The values of each field, and what a fixed rate in its unit would be called; months have no fixed length. */
const UNITS = [
  { name: 'second', min: 0, count: 60, letter: 's', anchor: '09:00' },
  { name: 'minute', min: 0, count: 60, letter: 'm', anchor: '09:00' },
  { name: 'hour', min: 0, count: 24, letter: 'h', anchor: '09:00' },
  { name: 'day of month', min: 1, count: 31, letter: 'd', anchor: '2030-01-31T09:00:00Z' },
  { name: 'month', min: 1, count: 12 },
  { name: 'day of week', min: 0, count: 7, letter: 'd', anchor: '2030-01-31T09:00:00Z' },
] as const
type Unit = (typeof UNITS)[number]

/** What a schedule says otherwise than it may have been meant. Each text says what the expression means, and how to say the other thing. */
export function scheduleWarnings(schedule: Schedule): string[] {
  if (!('cron' in schedule) || schedule.cron.startsWith('@')) return []
  const fields = schedule.cron.split(' ')
  const [second, minute, hour, day, month, weekday] = (fields.length === 6 ? fields : ['0', ...fields]) as [string, ...string[]] & {
    length: 6
  }
  const rest = [hour, day, month, weekday].join(' ')
  const warnings: string[] = []
  if (second === '*' && minute !== '*')
    warnings.push(`"${schedule.cron}" fires every second of the minutes ${minute}; to fire once in each of them say "0 ${minute} ${rest}".`)
  else if (second === '0' && minute === '*' && /^\d+(,\d+)*$/.test(hour as string))
    warnings.push(`"${schedule.cron}" fires every minute of the hour ${hour}; to fire once in it say "0 ${rest}".`)
  for (const [i, field] of [second, minute, hour, day, month, weekday].entries()) {
    const warning = stepWarning(UNITS[i] as Unit, field as string)
    if (warning) warnings.push(warning)
  }
  if (day !== '*' && day !== '?' && weekday !== '*' && weekday !== '?')
    warnings.push(
      `"${schedule.cron}" fires on days of the month ${day}, and also on every day of the week ${weekday}: one of the two is enough.`,
    )
  return warnings
}

/** Steps that are not as long everywhere, because they are counted within the field alone; and those of which none fits behind the first value. */
function stepWarning(unit: Unit, field: string): string | undefined {
  const [, from = '', length = ''] = /^(\*|\d+)\/(\d+)$/.exec(field) ?? []
  const [first, step] = [from === '*' ? unit.min : Number(from), Number(length)]
  const end = unit.min + unit.count
  if (length === '' || step === 1) return undefined
  if (first + step >= end) return `The ${unit.name} field ${field} fires at ${first} alone: a step of ${step} leads beyond its range.`
  // Months have 28 to 31 days: no step is as long everywhere.
  if (first > unit.min || (unit.name !== 'day of month' && unit.count % step === 0)) return undefined
  const values = Array.from({ length: Math.ceil(unit.count / step) }, (_, i) => first + i * step)
  const shown = values.length > 4 ? `${values.slice(0, 2).join(', ')} … ${values.at(-1)}` : listText(values)
  const rate =
    'letter' in unit
      ? `; for every ${step} ${unit.letter === 'd' ? 'day' : unit.name}s use a fixed rate (--every ${step}${unit.letter} --anchor ${unit.anchor})`
      : ''
  return `The ${unit.name} field steps by ${step}: it fires at ${shown}, and begins again after that${rate}.`
}

const listText = (values: readonly number[]) => `${values.slice(0, -1).join(', ')} and ${values.at(-1)}`
