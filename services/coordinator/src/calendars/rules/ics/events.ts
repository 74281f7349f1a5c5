import { type ContentLine, contentLines } from './content-lines.ts'
import { refuse } from './refuse.ts'

/** The properties of an event, without those of the components within it. */
export interface IcsEvent {
  /** Where it begins. */
  readonly line: number
  readonly properties: ReadonlyMap<string, readonly ContentLine[]>
}

export interface IcsComponents {
  readonly events: readonly IcsEvent[]
  /** Lines where other entries begin: to-dos, journals. */
  readonly others: readonly number[]
}

/** The properties that matter to days. A calendar of holidays has long descriptions as well. */
const KEPT = new Set([
  'DTSTART',
  'DTEND',
  'DURATION',
  'RRULE',
  'EXRULE',
  'RDATE',
  'EXDATE',
  'STATUS',
  'SUMMARY',
  'RECURRENCE-ID',
  'X-APPLE-SPECIAL-DAY',
])
/** Components within components: an alarm in an event in a calendar are three. */
const DEEPEST = 8

/** The entries of an iCalendar text. @throws CarillonError INVALID_CALENDAR where it is none, or is cut off */
export function componentsOf(text: string): IcsComponents {
  const events: IcsEvent[] = []
  const others: number[] = []
  const open: { readonly name: string; readonly line: number; readonly properties: Map<string, ContentLine[]> }[] = []
  let isCalendar = false
  for (const property of contentLines(text)) {
    const { name, value, line } = property
    const within = open.at(-1)
    if (name === 'BEGIN') {
      const component = value.trim().toUpperCase()
      if (within === undefined && component !== 'VCALENDAR') throw notACalendar(property)
      if (open.length === DEEPEST)
        throw refuse(`components are nested deeper than ${DEEPEST}`, { line, hint: 'Leave such components out.' })
      isCalendar = true
      open.push({ name: component, line, properties: new Map() })
      if (open.length === 2 && component !== 'VEVENT' && component !== 'VTIMEZONE') others.push(line)
    } else if (within === undefined) throw notACalendar(property)
    else if (name === 'END') {
      if (value.trim().toUpperCase() !== within.name)
        throw refuse(`END:${value.trim().slice(0, 40)} where ${within.name} of line ${within.line} is open`, {
          line,
          value,
          hint: 'Export the file again.',
        })
      if (open.length === 2 && within.name === 'VEVENT') events.push(within)
      open.pop()
    } else if (open.length === 2 && KEPT.has(name)) {
      const given = within.properties.get(name)
      if (given) given.push(property)
      else within.properties.set(name, [property])
    }
  }
  const last = open.at(-1)
  if (last)
    throw refuse(`ics ends within ${last.name.slice(0, 40)}, which begins in line ${last.line}`, {
      hint: 'Export or download the file again: a part of it is missing.',
    })
  if (!isCalendar) throw notACalendar()
  return { events, others }
}

function notACalendar(found?: ContentLine) {
  const hint = 'Give an iCalendar text (RFC 5545), which begins with BEGIN:VCALENDAR.'
  return refuse('ics is no iCalendar text', found ? { value: `${found.name}:${found.value}`, hint } : { hint })
}
