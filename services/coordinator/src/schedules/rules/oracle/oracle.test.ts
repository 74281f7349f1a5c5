import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import type { Schedule } from '@carillon/contracts'
import { type Calendars, judgeOf } from '../exclusions.ts'
import { planSlots } from '../plan.ts'
import { sequenceOf } from '../sequence.ts'
import { Zone } from '../zone.ts'

/** `CARILLON_SLOT_CASES=10000` for the full proof. */
const CASES = Number(process.env['CARILLON_SLOT_CASES'] ?? 150)
const ORACLE = fileURLToPath(new URL('../../../../src/schedules/rules/oracle/oracle.py', import.meta.url))
const [MINUTE_MS, DAY_MS] = [60_000, 86_400_000]
const [FROM, TO] = [Date.UTC(2026, 0, 1), Date.UTC(2028, 0, 1)]

const ZONES = [
  ...[
    'Africa/Cairo',
    'Africa/Casablanca',
    'America/Asuncion',
    'America/Chicago',
    'America/Halifax',
    'America/Havana',
    'America/Los_Angeles',
  ],
  ...['America/New_York', 'America/Nuuk', 'America/Santiago', 'America/Sao_Paulo', 'America/St_Johns', 'Antarctica/Troll', 'Asia/Beirut'],
  ...['Asia/Jerusalem', 'Asia/Kathmandu', 'Asia/Kolkata', 'Asia/Tokyo', 'Atlantic/Azores', 'Australia/Adelaide', 'Australia/Lord_Howe'],
  ...['Australia/Sydney', 'Europe/Chisinau', 'Europe/Dublin', 'Europe/London', 'Europe/Paris', 'Pacific/Auckland', 'Pacific/Chatham'],
  ...['Pacific/Easter', 'Pacific/Norfolk'],
]

/** A generator of numbers below 1 that is the same in every run. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

interface Case {
  readonly zone: string
  readonly from: number
  readonly to: number
  readonly schedule: Extract<Schedule, { cron: string }>
  readonly calendars: Calendars
}

/** Every change of the clock in two years; a zone without one has a day of its own. */
function changesOf(zone: string): number[] {
  const changes: number[] = []
  for (let at = Zone.of(zone).nextChange(FROM); at < TO; at = Zone.of(zone).nextChange(at))
    if (Zone.of(zone).offsetAt(at) !== Zone.of(zone).offsetAt(at - 1)) changes.push(at)
  return changes.length > 0 ? changes : [Date.UTC(2027, 5, 1)]
}

function casesOf(seed: number): Case[] {
  const random = randomFrom(seed)
  const pick = <Value>(values: readonly Value[]) => values[Math.floor(random() * values.length)] as Value
  const upTo = (limit: number) => Math.floor(random() * limit)
  const changes = ZONES.flatMap((zone) => changesOf(zone).map((change) => ({ zone, change })))
  return Array.from({ length: CASES }, (_, i) => {
    const { zone, change } = changes[i % changes.length] as (typeof changes)[number]
    const from = Math.floor(change / MINUTE_MS) * MINUTE_MS - (DAY_MS / 4 + upTo(1_440) * MINUTE_MS)
    const to = from + DAY_MS + upTo(1_440) * MINUTE_MS
    const minute = pick([`${upTo(60)}`, '0', '30', '*/20', '15,45', `${upTo(30)}-${30 + upTo(30)}/7`])
    const hour = pick([`${upTo(24)}`, `${upTo(4)}`, '0', '0-3', '1,2,3', `${upTo(3)}-${3 + upTo(20)}`, '*', '*/2', '0-23', '2/3'])
    const day = pick(['*', '*', '*', `${new Date(change).getUTCDate()}`, '1-31/2'])
    const weekday = pick(['*', '*', '*', 'SUN', 'SAT,SUN', 'MON-FRI', '0-6/2'])
    const bound = () => pick([undefined, undefined, new Date(from + upTo(2_000) * MINUTE_MS).toISOString()])
    const near = (n: number) => new Date(change + (n - 1) * DAY_MS).toISOString().slice(0, 10)
    const calendars = new Map([0, 1].map((n) => [`c${n}`, new Set([near(upTo(3)), near(upTo(3))])]))
    const uses = pick([
      [],
      [],
      [{ rule: 'skip', calendar: 'c0' }],
      [{ rule: 'only', calendar: 'c0' }],
      ['skip', 'only'].map((rule, n) => ({ rule, calendar: `c${n}` })),
    ])
    const [startAt, endAt] = [bound(), bound()]
    const schedule = {
      cron: [minute, hour, day, '*', weekday].join(' '),
      timezone: zone,
      dstGap: pick(['next', 'skip'] as const),
      dstOverlap: pick(['first', 'both'] as const),
      ...(startAt === undefined ? {} : { startAt }),
      ...(endAt === undefined ? {} : { endAt }),
      ...(uses.length === 0 ? {} : { calendars: uses as NonNullable<Case['schedule']['calendars']> }),
    }
    return { zone, from, to, schedule, calendars }
  })
}

const minutesOf = (text: string | undefined) => (text === undefined ? null : Date.parse(text) / MINUTE_MS)

function oracleInput({ zone, from, to, schedule, calendars }: Case): string {
  const daysOf = (rule: 'skip' | 'only') =>
    (schedule.calendars ?? []).filter((use) => use.rule === rule).map(({ calendar }) => [...(calendars.get(calendar) ?? [])])
  return JSON.stringify({
    zone,
    from: from / MINUTE_MS,
    to: to / MINUTE_MS,
    cron: schedule.cron,
    gap: schedule.dstGap,
    overlap: schedule.dstOverlap,
    start: minutesOf(schedule.startAt),
    end: minutesOf(schedule.endAt),
    calendars: { skip: daysOf('skip'), only: daysOf('only') },
  })
}

/** The slots of a case, and how many of them calendars exclude, by the rules under test: each plan goes on where the last one ended. */
function planned({ from, to, schedule, calendars }: Case): { run: number[]; excluded: number } {
  const judge = judgeOf(schedule, { calendars, backoffUntil: null })
  const [run, rules]: [number[], Parameters<typeof planSlots>[0]] = [[], { schedule, misfire: 'all', misfireAfterMs: 10 * DAY_MS, judge }]
  let excluded = 0
  for (let slot = sequenceOf(schedule, from)(from); slot !== null && slot < to; ) {
    const plan = planSlots(rules, slot, to - 1)
    run.push(...plan.fire)
    for (const { reason, count, atLeast } of plan.skipped) {
      assert.deepEqual([reason, atLeast], ['calendar', undefined])
      excluded += count
    }
    slot = plan.next
  }
  return { run: run.map((at) => at / MINUTE_MS), excluded }
}

/** The offsets of the zone, each with the minute from which on it holds. */
function offsetsOf({ zone, from, to }: Case): [number, number][] {
  const offsets: [number, number][] = []
  for (let at = from; at < to; at = Zone.of(zone).nextChange(at)) {
    const offset = Zone.of(zone).offsetAt(at) / MINUTE_MS
    if (offsets.at(-1)?.[1] !== offset) offsets.push([at / MINUTE_MS, offset])
  }
  return offsets
}

const python = spawnSync('python3', ['-c', 'import zoneinfo; zoneinfo.ZoneInfo("Europe/Paris")'])
test('slots around every change of the clock in 30 zones are those of a walk over every minute in zoneinfo', {
  skip: python.status === 0 ? false : 'there is no python3 with zoneinfo and time zones',
}, () => {
  const cases = casesOf(20_261_127)
  const { stdout, stderr, status } = spawnSync('python3', [ORACLE], {
    input: cases.map(oracleInput).join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  })
  assert.equal(status, 0, stderr)
  const expected = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { run: number[]; excluded: number[]; offsets: [number, number][] })
  let [slots, ofOtherZones] = [0, 0]
  for (const [i, one] of cases.entries()) {
    const { run, excluded, offsets } = expected[i] as (typeof expected)[number]
    // Governments change clocks: the two may know time zones of different years.
    if (!isDeepStrictEqual(offsets, offsetsOf(one))) {
      ofOtherZones++
      continue
    }
    assert.deepEqual(
      planned(one),
      { run, excluded: excluded.length },
      `case ${i}: ${JSON.stringify(one.schedule)} from ${new Date(one.from).toISOString()}`,
    )
    slots += run.length + excluded.length
  }
  assert.ok(slots > CASES * 3 && ofOtherZones < CASES / 10, `${slots} slots were compared; ${ofOtherZones} cases have other zones`)
})
