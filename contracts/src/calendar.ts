import * as z from 'zod'
import { coded, codedField, nameField, timeField } from './fields.ts'
import { countText } from './hints.ts'
import { LIMITS } from './limits.ts'

const DAY = /^\d{4}-\d\d-\d\d$/

/** Whether a value is an existing day as `YYYY-MM-DD`: one that does not exist is not moved to another. */
function isDay(value: unknown): boolean {
  if (typeof value !== 'string' || !DAY.test(value)) return false
  const ms = Date.parse(`${value}T00:00:00Z`)
  return Number.isFinite(ms) && new Date(ms).toISOString().startsWith(value)
}

const dayField = codedField<string>({
  code: 'INVALID_CALENDAR',
  hint: 'Use an existing day as YYYY-MM-DD, such as 2026-12-25.',
  accepts: isDay,
  json: { type: 'string', pattern: DAY.source },
})

const daysField = coded(
  z.array(dayField),
  'INVALID_CALENDAR',
  `Give 1 to ${countText(LIMITS.calendarDays)} days.`,
  (days) => days.length >= 1 && days.length <= LIMITS.calendarDays,
).meta({ minItems: 1, maxItems: LIMITS.calendarDays })

const icsField = coded(
  z.string(),
  'INVALID_CALENDAR',
  `Give at most ${countText(LIMITS.icsBytes)} bytes of an iCalendar text; of a larger one its days.`,
  (text) => text.length <= LIMITS.icsBytes && utf8.encode(text).byteLength <= LIMITS.icsBytes,
).meta({ maxLength: LIMITS.icsBytes })
const utf8 = new TextEncoder()

/** A calendar as a user writes it: a name for days, given one by one or as an iCalendar text. */
export const calendarInputSchema = z
  .strictObject({
    name: nameField,
    description: z.string().max(1_000).optional(),
    /** Days as `YYYY-MM-DD`, in any order; one that appears twice is kept once. */
    days: daysField.optional(),
    /** iCalendar (RFC 5545): its all-day events, once or each year. What is left out is among the warnings of the answer. */
    ics: icsField.optional(),
  })
  .refine(({ days, ics }) => (days === undefined) !== (ics === undefined), {
    error: 'Give either days or ics.',
    path: ['days'],
    params: { code: 'INVALID_CALENDAR' },
  })
  .meta({ oneOf: [{ required: ['days'] }, { required: ['ics'] }] })
export type CalendarInput = z.input<typeof calendarInputSchema>

/** A calendar as services show it. */
export const calendarViewSchema = z.object({
  name: z.string(),
  /** Grows by one with each change. */
  revision: z.int().exactOptional(),
  description: z.string().exactOptional(),
  /** How its days were given. */
  source: z.enum(['days', 'ics']),
  /** SHA-256 of what was given, in hexadecimal: of `ics` of the text, of `days` of their JSON. */
  hash: z.string(),
  /** How many days it has. */
  count: z.int(),
  firstDay: z.string(),
  lastDay: z.string(),
  /** Distinct days as `YYYY-MM-DD`, ascending. Not in lists and events. */
  days: z.array(z.string()).readonly().exactOptional(),
  /** What was left out of `ics`, and whether the days come to their end within 90 days. */
  warnings: z.array(z.string()).readonly(),
  createdAt: timeField,
  updatedAt: timeField,
})
export type CalendarView = Readonly<z.output<typeof calendarViewSchema>>
