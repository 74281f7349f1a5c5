import type { Schedule } from '@carillon/contracts'

const COUNTS = { second: 60, minute: 60, hour: 24 } as const

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
  for (const [unit, field] of [
    ['second', second],
    ['minute', minute],
    ['hour', hour],
  ] as const) {
    const step = Number(/^(?:\*|0)\/(\d+)$/.exec(field as string)?.[1] ?? 1)
    if (COUNTS[unit] % step !== 0) warnings.push(unevenSteps(unit, step))
  }
  if (day !== '*' && day !== '?' && weekday !== '*' && weekday !== '?')
    warnings.push(
      `"${schedule.cron}" fires on days of the month ${day}, and also on every day of the week ${weekday}: one of the two is enough.`,
    )
  return warnings
}

function unevenSteps(unit: keyof typeof COUNTS, step: number): string {
  const values = Array.from({ length: Math.ceil(COUNTS[unit] / step) }, (_, i) => i * step)
  const shown = values.length > 4 ? `${values.slice(0, 2).join(', ')} … ${values.at(-1)}` : values.join(' and ')
  const letter = unit.slice(0, 1)
  return `The ${unit} field steps by ${step}: it fires at ${shown}, and begins anew after that; for every ${step} ${unit}s use a fixed rate (--every ${step}${letter} --anchor 09:00).`
}
