import { CarillonError, checkName, isDay, type JobInput } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseDuration } from '../arguments/duration.ts'
import { parseChoice, parseTime } from '../arguments/scalars.ts'
import { now } from '../clock.ts'

/** The options that say when a job fires. */
export interface ScheduleOptions {
  readonly cron?: string
  readonly every?: number
  readonly after?: number
  readonly at?: readonly string[]
  readonly delay?: number
  readonly timezone?: string
  readonly anchor?: string
  readonly dstGap?: 'next' | 'skip'
  readonly dstOverlap?: 'first' | 'both'
  readonly jitter?: number
  readonly start?: string
  readonly end?: string
  readonly calendar?: readonly { rule: 'skip' | 'only'; calendar: string }[]
}

const KINDS = ['cron', 'every', 'after', 'at', 'delay'] as const
type Kind = (typeof KINDS)[number]

/** With which kinds of schedule the other options go. */
const GOES_WITH: Readonly<Record<Exclude<keyof ScheduleOptions, Kind>, readonly Kind[]>> = {
  timezone: ['cron', 'every', 'after'],
  anchor: ['every'],
  dstGap: ['cron'],
  dstOverlap: ['cron'],
  jitter: ['cron', 'every', 'after'],
  start: ['cron', 'every', 'after'],
  end: ['cron', 'every', 'after'],
  calendar: ['cron', 'every'],
}

export function addScheduleOptions(command: Command): Command {
  const list =
    <Value>(parse: (text: string) => Value) =>
    (text: string, before: readonly Value[] = []) => [...before, parse(text)]
  return command
    .option('--cron <expression>', '5 fields, or 6 with seconds first')
    .option('--every <duration>', 'fixed rate, such as 5s', (text) => parseDuration('--every', text))
    .option('--after <duration>', 'fixed delay between the end of a run and the next one', (text) => parseDuration('--after', text))
    .option(
      '--at <time>',
      'at a time, such as 2030-01-31T09:00:00Z; may be given several times',
      list((text) => parseTime('--at', text)),
    )
    .option('--delay <duration>', 'once, that much later, such as 60d', (text) => parseDuration('--delay', text))
    .option('--timezone <zone>', 'IANA name of the zone of --cron, of a time of day and of calendars (default: UTC)')
    .option('--anchor <time>', 'count --every from this instant, or each day from this time of day, such as 09:00')
    .option('--dst-gap <choice>', 'a fixed time that a change of the clock leaves out: next or skip (default: next)', (text) =>
      parseChoice('--dst-gap', text, ['next', 'skip']),
    )
    .option('--dst-overlap <choice>', 'a fixed time that a change of the clock repeats: first or both (default: first)', (text) =>
      parseChoice('--dst-overlap', text, ['first', 'both']),
    )
    .option('--jitter <duration>', 'fire each slot up to so much later, so that many jobs do not begin at once', (text) =>
      parseDuration('--jitter', text),
    )
    .option('--start <time>', 'no slot before this time or day', (text) => instantOrDay('--start', text))
    .option('--end <time>', 'no slot after this time or day', (text) => instantOrDay('--end', text))
    .option('--calendar <rule:name>', 'skip:<calendar> or only:<calendar>; may be given several times', list(calendarOf))
}

const instantOrDay = (option: string, text: string) => (isDay(text) ? text : parseTime(option, text))

function calendarOf(text: string): { rule: 'skip' | 'only'; calendar: string } {
  const [, rule, calendar = ''] = /^(skip|only):(.*)$/s.exec(text) ?? []
  if (rule === undefined)
    throw new CarillonError('INVALID_REQUEST', `--calendar ${JSON.stringify(text)} says neither skip nor only`, {
      field: '--calendar',
      value: JSON.stringify(text),
      hint: 'Use skip:<calendar> or only:<calendar>, such as skip:holidays-fr.',
    })
  return { rule: rule as 'skip' | 'only', calendar: checkName('--calendar', calendar) }
}

/** The schedule that the options say, if any. @throws CarillonError INVALID_REQUEST when they exclude each other */
export function scheduleOf(options: ScheduleOptions): JobInput['schedule'] {
  const given = KINDS.filter((name) => options[name] !== undefined)
  if (given.length > 1)
    throw new CarillonError('INVALID_REQUEST', `${given.map((name) => `--${name}`).join(' and ')} exclude each other`, {
      field: `--${given[1]}`,
      hint: 'A job has one schedule.',
    })
  const [kind] = given
  for (const [name, kinds] of Object.entries(GOES_WITH) as [keyof typeof GOES_WITH, readonly Kind[]][])
    if (options[name] !== undefined && !(kind && kinds.includes(kind))) throw goesWith(name, kinds)
  const { cron, every, after, at, delay } = options
  if (cron !== undefined) return { cron, ...boundsOf(options), ...calendarsOf(options), ...changesOf(options) }
  if (every !== undefined)
    return {
      everyMs: every,
      ...(options.anchor === undefined ? {} : { anchor: options.anchor }),
      ...boundsOf(options),
      ...calendarsOf(options),
    }
  if (after !== undefined) return { afterMs: after, ...boundsOf(options) }
  if (at !== undefined) return { at: at.length === 1 ? (at[0] as string) : [...at] }
  return delay === undefined ? undefined : { at: new Date(now() + delay).toISOString() }
}

function goesWith(name: string, kinds: readonly Kind[]): CarillonError {
  const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  const others = kinds.map((kind) => `--${kind}`)
  return new CarillonError('INVALID_REQUEST', `${option} goes with ${others.join(' or ')}`, {
    field: option,
    hint: kinds.length === 1 ? `Add ${others[0]}, or leave it out.` : 'Add one of them, or leave it out.',
  })
}

const calendarsOf = ({ calendar }: ScheduleOptions) => (calendar === undefined ? {} : { calendars: [...calendar] })

const changesOf = ({ dstGap, dstOverlap }: ScheduleOptions) => ({
  ...(dstGap === undefined ? {} : { dstGap }),
  ...(dstOverlap === undefined ? {} : { dstOverlap }),
})

const boundsOf = ({ timezone, jitter, start, end }: ScheduleOptions) => ({
  ...(timezone === undefined ? {} : { timezone }),
  ...(jitter === undefined ? {} : { jitterMs: jitter }),
  ...(start === undefined ? {} : { startAt: start }),
  ...(end === undefined ? {} : { endAt: end }),
})
