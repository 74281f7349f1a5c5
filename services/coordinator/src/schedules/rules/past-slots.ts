import { type BackfillJob, CarillonError, LIMITS, printable, type Schedule } from '@carillon/contracts'
import { type Judge, permittedOf } from './exclusions.ts'
import { endOf, sequenceOf, startOf } from './sequence.ts'

/** The slots that a schedule has in a range that is over. @param base a slot of the schedule, on whose grid the others lie @throws CarillonError INVALID_REQUEST, INVALID_DATE */
export function pastSlots(
  schedule: Schedule,
  { from, to }: Pick<BackfillJob, 'from' | 'to'>,
  { judge, base, now }: { judge: Judge; base: number | null; now: number },
): number[] {
  if ('afterMs' in schedule)
    throw new CarillonError('INVALID_REQUEST', 'a fixed delay has no slots in the past: each is counted from the end of a run', {
      field: 'name',
      hint: 'Run the job once: carillon run <job>.',
    })
  const zone = 'timezone' in schedule && schedule.timezone !== undefined ? { timezone: schedule.timezone } : {}
  const range = { everyMs: 1, startAt: from, endAt: to, ...zone }
  const [first, end] = [startOf(range) as number, endOf(range) as number]
  if (end < first) throw wrong('to', to, { why: 'is before from', hint: 'Use a time after from.' })
  if (first > now)
    throw wrong('from', from, { why: 'is still to come', hint: 'Use a time that has passed: slots to come are fired by the schedule.' })
  const last = Math.min(end, now)
  const permitted = permittedOf(sequenceOf(schedule, base ?? first), judge)
  const slots: number[] = []
  for (let slot = permitted(first - 1); slot !== null && slot <= last; slot = permitted(slot)) {
    slots.push(slot)
    if (slots.length > LIMITS.backfillSlots) throw tooMany(slots, { from, last })
  }
  return slots
}

function tooMany(slots: readonly number[], { from, last }: { from: string; last: number }): CarillonError {
  const [first, latest] = [slots[0] as number, slots.at(-1) as number]
  const about = Math.round(((last - first) / (latest - first)) * (slots.length - 1)) + 1
  const many = `would make about ${about} runs, and may make ${LIMITS.backfillSlots}`
  return new CarillonError('INVALID_REQUEST', `the backfill ${many}`, {
    field: 'from',
    value: printable(from),
    hint: 'Use a shorter range; the next one can follow.',
  })
}

const wrong = (field: string, value: string, { why, hint }: { why: string; hint: string }) =>
  new CarillonError('INVALID_DATE', `${printable(value)} ${why}`, { field, value: printable(value), hint })
