import * as z from 'zod'
import { codedField, nameField, parseInstant } from './fields.ts'
import { LIMITS } from './limits.ts'

const LONGEST_MS = LIMITS.horizonYears * 366 * 86_400_000

function periodField(minMs: number) {
  return codedField<number>({
    code: 'INVALID_DELAY',
    hint: `Use whole milliseconds from ${minMs}.`,
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= minMs && (value as number) <= LONGEST_MS,
    json: { type: 'integer', minimum: minMs },
  })
}

const jitterField = codedField<number>({
  code: 'INVALID_DELAY',
  hint: `Use whole milliseconds from 0 to ${LIMITS.jitterMaxMs}.`,
  accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= LIMITS.jitterMaxMs,
  json: { type: 'integer', minimum: 0, maximum: LIMITS.jitterMaxMs },
})

/** Checked when a job is put: the contracts do not know the time zones of this machine. */
const zoneField = z.string().max(64)

/** A time of day, HH:MM or HH:MM:SS. */
export const TIME_OF_DAY = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/

const calendarUseField = z.strictObject({
  /** `skip`: no slot on the days of the calendar. `only`: slots on these days alone; of several such calendars on the days of any. */
  rule: z.enum(['skip', 'only']),
  calendar: nameField,
})
export type CalendarUse = z.output<typeof calendarUseField>

const DAY = /^\d{4}-\d{2}-\d{2}$/
/** Whether a text is a day that exists, as YYYY-MM-DD. */
export const isDay = (text: unknown): text is string =>
  typeof text === 'string' && DAY.test(text) && parseInstant(`${text}T00:00:00Z`) !== undefined

export const boundField = codedField<string>({
  code: 'INVALID_DATE',
  hint: 'Use an existing day such as 2030-01-31, or a time with its zone such as 2030-01-31T09:00:00Z.',
  accepts: (value) => isDay(value) || parseInstant(value) !== undefined,
  json: { type: 'string' },
})

const isInstant = (value: unknown) => parseInstant(value) !== undefined
const atField = codedField<string | string[]>({
  code: 'INVALID_DATE',
  hint: `Use an existing date with its zone such as 2030-01-31T09:00:00Z, or a list of 1 to ${LIMITS.instants} of them.`,
  accepts: (value) =>
    isInstant(value) || (Array.isArray(value) && value.length >= 1 && value.length <= LIMITS.instants && value.every(isInstant)),
  json: {
    anyOf: [
      { type: 'string', format: 'date-time' },
      { type: 'array', items: { type: 'string', format: 'date-time' }, minItems: 1, maxItems: LIMITS.instants },
    ],
  },
})

const anchorField = codedField<string>({
  code: 'INVALID_DATE',
  hint: 'Use an instant such as 2030-01-31T09:00:00Z, or a time of day such as 09:00.',
  accepts: (value) => isInstant(value) || (typeof value === 'string' && TIME_OF_DAY.test(value)),
  json: { type: 'string' },
})

/** What every kind of schedule may say about its slots. */
const boundFields = {
  /** No slot before this time, or before this day in the zone of the schedule. */
  startAt: boundField.exactOptional(),
  /** No slot after this time, or after this day. */
  endAt: boundField.exactOptional(),
}
const calendarFields = {
  /** Which days count is decided by the planned time of a slot, in the zone of the schedule. A slot on another day is recorded as skipped. */
  calendars: z.array(calendarUseField).min(1).max(LIMITS.calendarsPerJob).exactOptional(),
}

const fitsPeriod = (periodMs: number, jitterMs: number | undefined) => jitterMs === undefined || !(jitterMs > periodMs)

/**
 * When a job fires.
 *
 * - `cron`: 5 fields, or 6 with seconds first, in an IANA `timezone` (default UTC).
 * - `everyMs`: a fixed rate. Its slots are counted from the `anchor`: an instant, or a time of day in `timezone`, at which the count begins anew each
 *   day. Without an anchor from the time at which the job was put.
 * - `afterMs`: a fixed delay between the end of a run and the next slot.
 * - `at`: one instant or a list of them.
 *
 * `jitterMs` spreads the slots of many jobs: each is fired up to so long after its time, by a delay that is always the same for one job and slot.
 */
export const scheduleSchema = z.union(
  [
    z.strictObject({
      cron: z.string().max(LIMITS.cronLength),
      timezone: zoneField.default('UTC'),
      /** A fixed time of day that a change of the clock leaves out: its slot is moved to the first instant after the gap (`next`, default) or left out. */
      dstGap: z.enum(['next', 'skip']).exactOptional(),
      /** A fixed time of day that a change of the clock repeats: it fires the first time (default) or both times. */
      dstOverlap: z.enum(['first', 'both']).exactOptional(),
      jitterMs: jitterField.exactOptional(),
      ...boundFields,
      ...calendarFields,
    }),
    z
      .strictObject({
        everyMs: periodField(LIMITS.everyMinMs),
        anchor: anchorField.exactOptional(),
        timezone: zoneField.exactOptional(),
        jitterMs: jitterField.exactOptional(),
        ...boundFields,
        ...calendarFields,
      })
      .refine(({ everyMs, jitterMs }) => fitsPeriod(everyMs, jitterMs), {
        error: 'jitterMs must not be longer than everyMs.',
        path: ['jitterMs'],
      }),
    z
      .strictObject({
        afterMs: periodField(LIMITS.everyMinMs),
        timezone: zoneField.exactOptional(),
        jitterMs: jitterField.exactOptional(),
        ...boundFields,
      })
      .refine(({ afterMs, jitterMs }) => fitsPeriod(afterMs, jitterMs), {
        error: 'jitterMs must not be longer than afterMs.',
        path: ['jitterMs'],
      }),
    z.strictObject({ at: atField }),
  ],
  { error: 'Give one of cron (with timezone), everyMs, afterMs or at.' },
)
export type Schedule = z.output<typeof scheduleSchema>
