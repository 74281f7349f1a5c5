import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CarillonError } from '@carillon/contracts'
import { IANAZone } from 'luxon'
import { checkCron, nextCronSlot } from './cron.ts'
import { checkZone } from './zone.ts'

const NOW = Date.UTC(2026, 0, 1)
const [MINUTE_MS, DAY_MS] = [60_000, 86_400_000]
const utc = (cron: string) => ({ cron, timezone: 'UTC' })

const BAD = [
  '',
  ' ',
  '* * * *',
  '* * * * * * *',
  '*  * * * *',
  ' * * * * *',
  '* * * * *\n',
  '* * * * *\r\n* * * * *',
  '*\t* * * *',
  '١ * * * *',
  '*/61 * * * *',
  '*/60 * * * *',
  '* */24 * * *',
  '* * */32 * *',
  '* * * */13 *',
  '* * * * */8',
  '*/90 * * * * *',
  '3-9/2,0/61 * * * *',
  '*/0 * * * *',
  '*/ * * * *',
  '/5 * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * 32 * *',
  '* * * 0 *',
  '* * * 13 *',
  '* * * * 8',
  '-1 * * * *',
  '1.5 * * * *',
  '5-1 * * * *',
  '1-2-3 * * * *',
  '1, * * * *',
  'a * * * *',
  '0 0 * FOO *',
  '0 0 15W * *',
  '0 0 * * 1#6',
  '0 0 * * 1#0',
  '* * * * L',
  'H * * * *',
  'H/5 * * * *',
  '* H(1-5) * * *',
  '@reboot',
  '@every 5m',
  '@Daily',
  '@',
]
const NEVER = ['0 0 31 4 *', '0 0 30 2 *', '0 0 31 2,4,6,9,11 *', '0 0 31 4 ?', '0 0 0 31 4 *']

test('what cron-parser would misread or refuses is refused, and the expression is named', () => {
  for (const cron of BAD)
    assert.throws(
      () => checkCron(utc(cron), NOW),
      (error: CarillonError) => {
        assert.deepEqual([error.code, error.details.field, error.details.value], ['INVALID_CRON', 'schedule.cron', JSON.stringify(cron)])
        assert.doesNotMatch(error.message, /[\r\n]/)
        return true
      },
      JSON.stringify(cron),
    )
})

test('what never fires is refused as such', () => {
  for (const cron of NEVER)
    for (const zone of ['UTC', 'Europe/Paris'])
      assert.throws(() => checkCron({ cron, timezone: zone }, NOW), { code: 'CRON_NEVER_FIRES' }, cron)
})

test('every accepted form fires when it says', () => {
  const cases: [string, string][] = [
    ['*/15 * * * *', '2026-01-01T00:15:00Z'],
    ['*/5 * * * * *', '2026-01-01T00:00:05Z'],
    ['0 9-17/4 * * MON-FRI', '2026-01-01T09:00:00Z'],
    ['0 0 L * *', '2026-01-31T00:00:00Z'],
    ['0 0 L 2 *', '2026-02-28T00:00:00Z'],
    ['0 0 * * 5L', '2026-01-30T00:00:00Z'],
    ['0 0 * * 1#2', '2026-01-12T00:00:00Z'],
    ['0 0 * * FRI#5', '2026-01-30T00:00:00Z'],
    ['0 0 * * 7', '2026-01-04T00:00:00Z'],
    ['0 0 * * sun', '2026-01-04T00:00:00Z'],
    ['0 0 29 2 *', '2028-02-29T00:00:00Z'],
    ['0 0 13 * FRI', '2026-01-02T00:00:00Z'],
    ['0 12 1 JAN,JUL *', '2026-01-01T12:00:00Z'],
    ['@hourly', '2026-01-01T01:00:00Z'],
    ['@daily', '2026-01-02T00:00:00Z'],
    ['@weekly', '2026-01-04T00:00:00Z'],
    ['@monthly', '2026-02-01T00:00:00Z'],
    ['@yearly', '2027-01-01T00:00:00Z'],
    ['@annually', '2027-01-01T00:00:00Z'],
  ]
  for (const [cron, expected] of cases) {
    checkCron(utc(cron), NOW)
    assert.equal(new Date(nextCronSlot(utc(cron), NOW)).toISOString(), new Date(expected).toISOString(), cron)
  }
  assert.equal(nextCronSlot(utc('0 0 29 2 *'), Date.UTC(2096, 2, 1)), Date.UTC(2104, 1, 29))
})

/** The days of the week, the months or the hours at which an expression fires. */
function valuesOf(cron: string, of: (date: Date) => number): number[] {
  checkCron(utc(cron), NOW)
  const values = new Set<number>()
  for (let at = nextCronSlot(utc(cron), NOW); at < NOW + 366 * DAY_MS; at = nextCronSlot(utc(cron), at)) values.add(of(new Date(at)))
  return [...values].sort((a, b) => a - b)
}

test('ranges may wrap, and Sunday is 0 and 7', () => {
  const days: [string, number[]][] = [
    ['FRI-SUN', [0, 5, 6]],
    ['SAT-SUN', [0, 6]],
    ['SUN-TUE', [0, 1, 2]],
    ['6-7', [0, 6]],
    ['6-0', [0, 6]],
    ['5-MON', [0, 1, 5, 6]],
    ['fri-7', [0, 5, 6]],
    ['FRI-MON/2', [0, 5]],
    ['SUN,SAT-SUN', [0, 6]],
    ['0,7', [0]],
    ['7-1', [0, 1]],
    ['7-7', [0]],
    ['0-7', [0, 1, 2, 3, 4, 5, 6]],
    ['SAT-FRI', [0, 1, 2, 3, 4, 5, 6]],
    ['MON-FRI,FRI-SUN', [0, 1, 2, 3, 4, 5, 6]],
    ['1-3,2', [1, 2, 3]],
    ['5/1,sun', [0, 5, 6]],
  ]
  for (const [text, expected] of days)
    assert.deepEqual(
      valuesOf(`0 9 * * ${text}`, (date) => date.getUTCDay()),
      expected,
      text,
    )
  const months: [string, number[]][] = [
    ['NOV-FEB', [1, 2, 11, 12]],
    ['11-2', [1, 2, 11, 12]],
    ['DEC-1', [1, 12]],
    ['NOV-FEB/2', [1, 11]],
  ]
  for (const [text, expected] of months)
    assert.deepEqual(
      valuesOf(`0 9 1 ${text} *`, (date) => date.getUTCMonth() + 1),
      expected,
      text,
    )
  assert.deepEqual(
    valuesOf('0 22-2 * * *', (date) => date.getUTCHours()),
    [0, 1, 2, 22, 23],
  )
})

test('lists may name a value twice, and letters may be small', () => {
  assert.deepEqual(
    valuesOf('*/15,15,40-45/5 9 * * *', (date) => date.getUTCMinutes()),
    [0, 15, 30, 40, 45],
  )
  for (const [small, large] of [
    ['0 9 l * *', '0 9 L * *'],
    ['0 9 * * fril', '0 9 * * FRIL'],
    ['0 9 * nov-feb fri#2', '0 9 * NOV-FEB FRI#2'],
  ] as const) {
    checkCron(utc(small), NOW)
    assert.equal(nextCronSlot(utc(small), NOW), nextCronSlot(utc(large), NOW), small)
  }
})

test('what is refused says what would be right', () => {
  const cases: [string, RegExp][] = [
    ['0 9 * * MONDAY', /day of week field says "MONDAY": say MON$/],
    ['0 9 * * TUES', /say TUE$/],
    ['0 9 * JANUARY *', /say JAN$/],
    ['0 9 FRI * *', /the day of month field says "FRI": that belongs into the day of week field/],
    ['0 9 * FRI *', /the month field says "FRI": that belongs into the day of week field/],
    ['0 9 * NOVE-FEB-X *', /say NOV$/],
    ['50-10 * * * *', /the minute field says "50-10", which ends before it begins: say 50-59,0-10$/],
    ['0 0 28-3 * *', /say 28-31,1-3$/],
    ['0 9 * * L', /say FRIL for the last Friday/],
    ['0 9 * FOO *', /says "FOO"; its names are JAN, FEB/],
    ['0 9 * * ,', /the day of week field says ",", which has an empty entry/],
    [', 9 * * *', /the minute field says ",", which has an empty entry/],
    ['0 9 1,,2 * *', /the day of month field says "1,,2", which has an empty entry/],
  ]
  for (const [cron, message] of cases) assert.throws(() => checkCron(utc(cron), NOW), { code: 'INVALID_CRON', message }, cron)
})

test('a slot is strictly after, also within its second', () => {
  assert.equal(nextCronSlot(utc('* * * * * *'), NOW), NOW + 1_000)
  assert.equal(nextCronSlot(utc('* * * * * *'), NOW + 999), NOW + 1_000)
  assert.equal(nextCronSlot({ cron: '* * * * * *', timezone: 'Europe/Paris' }, NOW - 1), NOW)
  assert.equal(nextCronSlot({ cron: '0 1 * * *', timezone: 'Europe/Paris' }, NOW - 1), NOW)
  assert.equal(nextCronSlot({ cron: '0 1 * * *', timezone: 'Europe/Paris' }, NOW), NOW + DAY_MS)
})

test('zones are IANA names', () => {
  for (const zone of ['UTC', 'Europe/Paris', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5', 'Australia/Lord_Howe']) checkZone(zone)
  for (const zone of ['', ' ', 'Mars/Base', 'utc+2', '+02:00', 'local', 'system', 'Europe/Paris\n', 'Europe', '../etc/passwd', 'UTC/x'])
    assert.throws(
      () => checkZone(zone),
      (error: CarillonError) =>
        error.code === 'INVALID_TIME_ZONE' && error.details.field === 'schedule.timezone' && error.details.value === JSON.stringify(zone),
      zone,
    )
})

/** Matches a wall-clock time, which is given as if it were UTC. */
type Matcher = (minute: number, hour: number, weekday: number) => boolean
/** Two days before and after a change, and what the clock shows each minute. */
interface Span {
  readonly zone: string
  readonly from: number
  readonly to: number
  readonly walls: readonly number[]
}
const every = (step: number) => (value: number) => value % step === 0

/** Fixed hours: each matching wall-clock minute is the first instant that shows it; one that none shows, the first instant after the gap. */
function fixedOracle(matches: Matcher, span: Span): number[] {
  const slots = new Set<number>()
  let latest = span.walls[0] as number
  for (const [i, wall] of span.walls.entries()) {
    // More than one minute at once is a gap, none is a wall-clock time that was there before.
    for (let shown = latest + MINUTE_MS; shown <= wall; shown += MINUTE_MS)
      if (matchesWall(matches, shown)) slots.add(span.from + i * MINUTE_MS)
    latest = Math.max(latest, wall)
  }
  return [...slots]
}

/** An hour of `*`: each instant whose wall clock matches. */
function clockOracle(matches: Matcher, span: Span): number[] {
  return span.walls.flatMap((wall, i) => (i > 0 && matchesWall(matches, wall) ? [span.from + i * MINUTE_MS] : []))
}

function matchesWall(matches: Matcher, wall: number): boolean {
  const date = new Date(wall)
  return matches(date.getUTCMinutes(), date.getUTCHours(), date.getUTCDay())
}

function slotsOf(cron: string, { zone, from, to }: Span): number[] {
  const slots: number[] = []
  for (let at = nextCronSlot({ cron, timezone: zone }, from); at < to; at = nextCronSlot({ cron, timezone: zone }, at)) slots.push(at)
  return slots
}

/** Days around which the clocks of a zone change, in 2026 and 2027. */
const CHANGES: [string, string[]][] = [
  ['Europe/Paris', ['2026-03-29', '2026-10-25']],
  ['America/New_York', ['2026-03-08', '2026-11-01']],
  ['America/St_Johns', ['2026-03-08', '2026-11-01']],
  ['Australia/Lord_Howe', ['2026-04-05', '2026-10-04']],
  ['Pacific/Auckland', ['2026-04-05', '2026-09-27']],
  ['America/Santiago', ['2026-04-05', '2026-09-06']],
  ['Africa/Cairo', ['2026-04-24', '2026-10-30']],
  ['Asia/Kolkata', ['2026-06-01']],
]
const spans = CHANGES.flatMap(([zone, days]) => days.map((day) => spanOf(zone, Date.parse(`${day}T00:00:00Z`))))

function spanOf(zone: string, change: number): Span {
  const [from, to] = [change - 2 * DAY_MS, change + 2 * DAY_MS]
  const walls = Array.from({ length: (to - from) / MINUTE_MS }, (_, i) => from + i * MINUTE_MS).map(
    (at) => at + IANAZone.create(zone).offset(at) * MINUTE_MS,
  )
  return { zone, from, to, walls }
}
const show = (slots: number[]) => slots.map((at) => new Date(at).toISOString())

test('fixed hours fire once a day that is changed: in the gap after it, in the overlap at its first time', () => {
  const cases: [string, Matcher][] = [
    ['30 0 * * *', (minute, hour) => minute === 30 && hour === 0],
    ['0 0 * * *', (minute, hour) => minute === 0 && hour === 0],
    ['30 1 * * *', (minute, hour) => minute === 30 && hour === 1],
    ['15 2 * * *', (minute, hour) => minute === 15 && hour === 2],
    ['30 2 * * *', (minute, hour) => minute === 30 && hour === 2],
    ['0 3 * * *', (minute, hour) => minute === 0 && hour === 3],
    ['*/20 1-3 * * *', (minute, hour) => every(20)(minute) && hour >= 1 && hour <= 3],
    ['45 0,2,23 * * SUN', (minute, hour, weekday) => minute === 45 && [0, 2, 23].includes(hour) && weekday === 0],
  ]
  for (const span of spans)
    for (const [cron, matches] of cases)
      assert.deepEqual(show(slotsOf(cron, span)), show(fixedOracle(matches, span)), `${cron} in ${span.zone}`)
})

test('an hour of `*` follows the clock: nothing in the gap, twice in the overlap', () => {
  const cases: [string, Matcher][] = [
    ['0 * * * *', (minute) => minute === 0],
    ['30 * * * *', (minute) => minute === 30],
    ['*/15 * * * *', every(15)],
    ['10,40 * * * SUN', (minute, _hour, weekday) => [10, 40].includes(minute) && weekday === 0],
    ['0 */2 * * *', (minute, hour) => minute === 0 && every(2)(hour)],
    ['@hourly', (minute) => minute === 0],
  ]
  for (const span of spans)
    for (const [cron, matches] of cases)
      assert.deepEqual(show(slotsOf(cron, span)), show(clockOracle(matches, span)), `${cron} in ${span.zone}`)
})

test('a slot in the gap comes at the first instant after it, to the millisecond', () => {
  const gapEnd = Date.parse('2026-03-29T01:00:00Z')
  assert.equal(nextCronSlot({ cron: '30 2 * * *', timezone: 'Europe/Paris' }, gapEnd - 1), gapEnd)
  assert.equal(nextCronSlot({ cron: '30 2 * * *', timezone: 'Europe/Paris' }, gapEnd), Date.parse('2026-03-30T00:30:00Z'))
  const overlap = Date.parse('2026-10-25T00:30:00Z')
  assert.equal(nextCronSlot({ cron: '30 2 * * *', timezone: 'Europe/Paris' }, overlap - 1), overlap)
  assert.equal(nextCronSlot({ cron: '30 2 * * *', timezone: 'Europe/Paris' }, overlap), overlap + DAY_MS + 3_600_000)
})

test('the next slot costs the same anywhere in a busy hour', () => {
  const late = Date.parse('2026-06-01T07:59:00Z')
  const begin = process.cpuUsage()
  let at = late
  for (let i = 0; i < 59; i++) at = nextCronSlot({ cron: '* * 9 * * *', timezone: 'Europe/Paris' }, at)
  assert.equal(at, late + 59_000)
  const { user } = process.cpuUsage(begin)
  assert.ok(user < 1_000_000, `${user / 1_000} ms`)
})

test('what becomes of fixed times in a gap and in a repeated hour is a choice', () => {
  const slotsFrom = (schedule: Parameters<typeof nextCronSlot>[0], from: string, count: number) => {
    const slots = [Date.parse(from)]
    for (let i = 0; i < count; i++) slots.push(nextCronSlot(schedule, slots.at(-1) as number))
    return slots.slice(1).map((at) => new Date(at).toISOString().replace(':00.000Z', 'Z'))
  }
  const cases: [string, string, object, string, string[]][] = [
    ['30 2 * * *', 'Europe/Paris', {}, '2027-03-27T12:00Z', ['2027-03-28T01:00Z', '2027-03-29T00:30Z']],
    ['30 2 * * *', 'Europe/Paris', { dstGap: 'skip' }, '2027-03-27T12:00Z', ['2027-03-29T00:30Z']],
    ['30 2 * * *', 'Europe/Paris', {}, '2026-10-24T12:00Z', ['2026-10-25T00:30Z', '2026-10-26T01:30Z']],
    [
      '30 2 * * *',
      'Europe/Paris',
      { dstOverlap: 'both' },
      '2026-10-24T12:00Z',
      ['2026-10-25T00:30Z', '2026-10-25T01:30Z', '2026-10-26T01:30Z'],
    ],
    [
      '30 2 25 10 *',
      'Europe/Paris',
      { dstOverlap: 'both' },
      '2026-10-24T12:00Z',
      ['2026-10-25T00:30Z', '2026-10-25T01:30Z', '2027-10-25T00:30Z'],
    ],
    [
      '30,45 2 * * *',
      'Europe/Paris',
      { dstOverlap: 'both' },
      '2026-10-24T12:00Z',
      ['2026-10-25T00:30Z', '2026-10-25T00:45Z', '2026-10-25T01:30Z', '2026-10-25T01:45Z'],
    ],
    ['45 1 * * *', 'Australia/Lord_Howe', { dstOverlap: 'both' }, '2026-04-04T12:00Z', ['2026-04-04T14:45Z', '2026-04-04T15:15Z']],
    ['15 2 * * *', 'Australia/Lord_Howe', {}, '2026-10-03T12:00Z', ['2026-10-03T15:30Z']],
    ['0 2 * * *', 'Antarctica/Troll', {}, '2026-03-28T12:00Z', ['2026-03-29T01:00Z']],
    ['0 2 * * *', 'Antarctica/Troll', { dstOverlap: 'both' }, '2026-10-24T12:00Z', ['2026-10-25T00:00Z', '2026-10-25T02:00Z']],
    ['0 0 * * *', 'Africa/Cairo', {}, '2026-04-23T12:00Z', ['2026-04-23T22:00Z']],
    ['0 0 * * *', 'Asia/Beirut', {}, '2026-03-28T12:00Z', ['2026-03-28T22:00Z']],
    ['0 0 * * *', 'America/Havana', {}, '2026-03-07T12:00Z', ['2026-03-08T05:00Z']],
    ['0 0 * * *', 'America/Santiago', {}, '2026-09-05T12:00Z', ['2026-09-06T04:00Z']],
    // Several slots of one gap, and one at its end, are one.
    ['15,45 2 * * *', 'Europe/Paris', {}, '2027-03-27T12:00Z', ['2027-03-28T01:00Z', '2027-03-29T00:15Z']],
    ['0 2,3 * * *', 'Europe/Paris', {}, '2027-03-27T12:00Z', ['2027-03-28T01:00Z', '2027-03-29T00:00Z']],
    // An expression that names every hour repeats through the day, whatever was chosen.
    [
      '30 0-23 * * *',
      'Europe/Paris',
      { dstGap: 'next', dstOverlap: 'first' },
      '2026-10-25T00:00Z',
      ['2026-10-25T00:30Z', '2026-10-25T01:30Z'],
    ],
    ['30 0/1 * * *', 'Europe/Paris', { dstGap: 'next' }, '2027-03-28T00:00Z', ['2027-03-28T00:30Z', '2027-03-28T01:30Z']],
  ]
  for (const [cron, timezone, choice, from, expected] of cases)
    assert.deepEqual(
      slotsFrom({ cron, timezone, ...choice }, from, expected.length),
      expected,
      `${cron} ${timezone} ${JSON.stringify(choice)}`,
    )
})
