import type { Reason, Schedule } from '@carillon/contracts'
import { allMayRun, type Judge, permittedOf } from './exclusions.ts'
import { type Grid, gridOf, type Sequence, sequenceOf } from './sequence.ts'

/** What decides about the slots of a job. */
export interface SlotRules {
  readonly schedule: Schedule
  readonly misfire: 'once' | 'skip' | 'all'
  /** A slot that is later than this is a misfire. */
  readonly misfireAfterMs: number
  readonly judge: Judge
}

/** The plan at `now` for a job whose first undecided slot was `slot`. */
export interface SlotPlan {
  /** Slots to run, oldest first. */
  readonly fire: readonly number[]
  /** Slots that get no run of their own; for each reason one stretch. */
  readonly skipped: readonly SkippedSlots[]
  /** The first slot that is not decided. */
  readonly next: number | null
}

/** From the first to the last, and how many; `atLeast`: they were too many to be counted. Slots in between may have run, or were skipped for another reason. */
export interface SkippedSlots {
  readonly reason: Extract<Reason, 'misfire' | 'calendar' | 'failure-backoff'>
  readonly from: number
  readonly to: number
  readonly count: number
  readonly atLeast?: true
}

/** Slots in a row that `all` catches up on. */
const CATCH_UP_AT_MOST = 100
/** Slots of one plan; what is due beyond them is the next plan's. */
const FIRE_AT_MOST = CATCH_UP_AT_MOST + 60
/** Beyond so many the skipped slots of a cron expression are counted as "at least": each costs some tens of microseconds. */
const COUNT_AT_MOST = 1_000

/** Slots that are too late: the first ones, the last two, how many, and the first that is not. */
interface LateSlots {
  readonly first: readonly number[]
  readonly last: readonly number[]
  readonly count: number
  readonly atLeast: boolean
  readonly next: number | null
}

/**
 * Decides misfires and exclusions. A slot that may run and is late by no more than `misfireAfterMs` is fired; of the older ones `once` fires the last, `all`
 * each (the 100 oldest), `skip` none. A slot that is excluded is never late. A year of downtime costs no loop over it.
 */
export function planSlots(rules: SlotRules, slot: number, now: number): SlotPlan {
  const { schedule, judge } = rules
  const sequence = sequenceOf(schedule, slot)
  const permitted = permittedOf(sequence, judge)
  const first = judge(slot).reason === undefined ? slot : permitted(slot)
  const oldest = now - rules.misfireAfterMs
  const grid = 'everyMs' in schedule && isUnbounded(schedule) && judge === allMayRun ? gridOf(schedule, slot) : undefined
  const late = first === null ? NONE_LATE : grid ? lateOfGrid(grid, first, oldest) : lateOf(permitted, first, oldest)
  const fire = firedOf(late, rules.misfire)
  const missed = missedOf(late, rules.misfire)
  let next = late.next
  while (next !== null && next <= now && fire.length < FIRE_AT_MOST) {
    fire.push(next)
    next = permitted(next)
  }
  const last = Math.max(fire.at(-1) ?? Number.NEGATIVE_INFINITY, late.last.at(-1) ?? Number.NEGATIVE_INFINITY)
  // Behind the last slot that may run excluded ones may come: they are decided with the next one that may.
  const until = Number.isFinite(last) ? last : Math.max(slot, now)
  const skipped = excludedUntil(sequence, judge, { slot, until })
  return { fire, skipped: missed ? [missed, ...skipped] : skipped, next: first === slot && !Number.isFinite(last) ? slot : sequence(until) }
}

const NONE_LATE: LateSlots = { first: [], last: [], count: 0, atLeast: false, next: null }
const isUnbounded = ({ endAt }: { readonly endAt?: string }) => endAt === undefined

function firedOf(late: LateSlots, misfire: SlotRules['misfire']): number[] {
  if (misfire === 'all') return late.first.slice(0, CATCH_UP_AT_MOST)
  return misfire === 'once' ? late.last.slice(-1) : []
}

function missedOf(late: LateSlots, misfire: SlotRules['misfire']): SkippedSlots | undefined {
  const before = misfire === 'all' ? CATCH_UP_AT_MOST : 0
  const count = late.count - before - (misfire === 'once' ? 1 : 0)
  if (count <= 0) return undefined
  const to = late.last.at(misfire === 'once' ? -2 : -1) as number
  return { reason: 'misfire', from: late.first[before] as number, to, count, ...(late.atLeast ? { atLeast: true } : {}) }
}

/** Counted by division. */
function lateOfGrid({ everyMs }: Grid, slot: number, oldest: number): LateSlots {
  const count = Math.max(0, Math.ceil((oldest - slot) / everyMs))
  const at = (index: number) => slot + index * everyMs
  const first = Array.from({ length: Math.min(count, CATCH_UP_AT_MOST + 1) }, (_, i) => at(i))
  const last = [count - 2, count - 1].filter((index) => index >= 0).map(at)
  return { first, last, count, atLeast: false, next: at(count) }
}

function lateOf(sequence: Sequence, slot: number, oldest: number): LateSlots {
  const slots: number[] = []
  let next: number | null = slot
  while (next !== null && next < oldest && slots.length < COUNT_AT_MOST) {
    slots.push(next)
    next = sequence(next)
  }
  const first = slots.slice(0, CATCH_UP_AT_MOST + 1)
  if (next === null || next >= oldest) return { first, last: slots.slice(-2), count: slots.length, atLeast: false, next }
  const last = lastBefore(sequence, next, oldest)
  const before = lastBefore(sequence, slots.at(-1) as number, last)
  return { first, last: [before, last], count: COUNT_AT_MOST + 1, atLeast: true, next: sequence(last) }
}

/** The last slot before `end`, where `slot` is one: found by halving, so its cost grows with the logarithm of the time between. */
function lastBefore(sequence: Sequence, slot: number, end: number): number {
  let [last, before, after] = [slot, slot, end]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    const found = sequence(middle)
    if (found !== null && found < end) [last, before] = [found, found]
    else after = middle
  }
  return last
}

/** The slots from `slot` up to `until`, both included, that have no run: for each reason one stretch. */
export function excludedUntil(sequence: Sequence, judge: Judge, { slot, until }: { slot: number; until: number }): SkippedSlots[] {
  if (judge === allMayRun) return []
  const stretches = new Map<SkippedSlots['reason'], SkippedSlots>()
  let next: number | null = slot
  while (next !== null && next <= until) {
    const verdict = judge(next)
    const { reason } = verdict
    if (reason !== undefined) {
      const before = stretches.get(reason)
      const counted = before?.count ?? 0
      const { last, count, isWhole } = slotsBefore(sequence, next, {
        end: Math.min(verdict.until, until + 1),
        atMost: COUNT_AT_MOST - counted,
      })
      const atLeast = before?.atLeast || !isWhole
      stretches.set(reason, { reason, from: before?.from ?? next, to: last, count: counted + count, ...(atLeast ? { atLeast: true } : {}) })
    }
    next = verdict.until > until ? null : sequence(verdict.until - 1)
  }
  return [...stretches.values()]
}

/** The slots before `end`, where `slot` is the first one: counted up to a limit. */
function slotsBefore(sequence: Sequence, slot: number, { end, atMost }: { end: number; atMost: number }) {
  let [last, count] = [slot, 1]
  for (let next = sequence(slot); next !== null && next < end; next = sequence(next)) {
    if (count >= atMost) return { last: lastBefore(sequence, next, end), count, isWhole: false }
    last = next
    count++
  }
  return { last, count, isWhole: true }
}
