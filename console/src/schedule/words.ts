import type { Schedule } from '@carillon/contracts'
import { durationText } from './durations.ts'

/** Letters of an expression that are described: a describer expands ranges, and one such as `1--100000000` would take gigabytes. */
const MOST_LETTERS = 200
/** What expressions are made of; anything else is for the service to refuse. */
const EXPRESSION = /^[\d\s*/,\-#?A-Za-z@]+$/
/** Numbers of an expression have at most four digits: those of a year. */
const LONG_NUMBER = /\d{5}/
const ALIASES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** What the describer knows and the mesh does not: the nearest weekday, days before the last one, and `#` in a list. */
const REFUSED = /\dW|LW|L-\d|#[^ ]*,|,[^ ]*#/i

/** What the library that describes expressions offers. */
export interface CronDescriber {
  toString(expression: string, options: object): string
}

/** An expression in words; undefined: there are none for it, and the service says what is wrong. */
export function cronWords(expression: string, describer: CronDescriber, locale: string): string | undefined {
  const text = expression.trim()
  if (text.length > MOST_LETTERS || !EXPRESSION.test(text) || LONG_NUMBER.test(text) || text.includes('--') || REFUSED.test(text))
    return undefined
  const cron = text.startsWith('@') ? ALIASES[text.toLowerCase()] : text
  if (cron === undefined || ![5, 6].includes(cron.split(/\s+/).length)) return undefined
  try {
    const words = describer.toString(cron, { use24HourTimeFormat: true, verbose: false, locale, throwExceptionOnParseError: true })
    return hasBothDays(cron) ? words.replace(/, and (on|every) /, ', or $1 ') : words
  } catch {
    return undefined
  }
}

/** With a day of the month and a day of the week one of the two is enough: "and" says the contrary. */
function hasBothDays(cron: string): boolean {
  const [day = '*', , weekday = '*'] = cron.split(/\s+/).slice(-3)
  return ![day, weekday].some((field) => field === '*' || field === '?')
}

/** Texts that a schedule is put together from; each language has its own. */
export interface ScheduleTexts {
  readonly every: (duration: string) => string
  readonly everyFrom: (duration: string, anchor: string) => string
  readonly after: (duration: string) => string
  readonly at: (count: number, first: string) => string
  readonly none: string
}

/** Any schedule in words. @param words of an expression, see `cronWords` */
export function scheduleWords(schedule: Schedule | undefined, texts: ScheduleTexts, words: (cron: string) => string | undefined): string {
  if (schedule === undefined) return texts.none
  if ('cron' in schedule) return words(schedule.cron) ?? schedule.cron
  if ('everyMs' in schedule)
    return schedule.anchor === undefined
      ? texts.every(durationText(schedule.everyMs))
      : texts.everyFrom(durationText(schedule.everyMs), schedule.anchor)
  if ('afterMs' in schedule) return texts.after(durationText(schedule.afterMs))
  const times = Array.isArray(schedule.at) ? schedule.at : [schedule.at]
  return texts.at(times.length, times[0] ?? '')
}

/** Why slots have no run, in words; a reason that is not known here as it is. */
export const skipReason = ({ reasons }: { readonly reasons: Readonly<Record<string, string>> }, reason: string): string =>
  reasons[reason] ?? reason
