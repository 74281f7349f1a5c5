import { printable } from '@carillon/contracts'

interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  /** Of the values from `min` on. */
  readonly names: readonly string[]
  /** What follows the last value is the first one, as people mean it: FRI-MON, NOV-FEB, hours 22-2. Of minutes or days of the month it is more likely a slip. */
  readonly wraps: boolean
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
const FIELDS: readonly Field[] = [
  { name: 'second', min: 0, max: 59, names: [], wraps: false },
  { name: 'minute', min: 0, max: 59, names: [], wraps: false },
  { name: 'hour', min: 0, max: 23, names: [], wraps: true },
  { name: 'day of month', min: 1, max: 31, names: [], wraps: false },
  { name: 'month', min: 1, max: 12, names: MONTHS, wraps: true },
  { name: 'day of week', min: 0, max: 7, names: DAYS, wraps: true },
]
const RANGE = /^([A-Za-z]{3}|\d{1,2})-([A-Za-z]{3}|\d{1,2})(?:\/(\d{1,2}))?$/

/** The fields of an expression of 5 or 6, with the definition of each. */
const described = (fields: readonly string[]) => fields.map((text, i) => ({ text, field: FIELDS[i + 6 - fields.length] as Field }))

/** Errors in the fields of an expression that cron-parser would misread, or refuse without saying what would be right. */
export function wrongFields(fields: readonly string[]): string | undefined {
  for (const { text, field } of described(fields)) {
    const problem = wrongField(text, field)
    if (problem) return `${problem.startsWith('"') ? '' : `the ${field.name} field `}${problem}`
  }
  return undefined
}

function wrongField(text: string, field: Field): string | undefined {
  if (/(^|,)[Hh]([(/,]|$)/.test(text)) return `"H" in the ${field.name} field means a random time, which would not be kept`
  const longest = field.min === 0 ? field.max : field.max - field.min + 1
  const step = [...text.matchAll(/\/(\d+)/g)].map(([, digits]) => Number(digits)).find((steps) => steps > longest)
  // A longer step would be read as the whole range.
  if (step !== undefined) return `steps by ${step}, beyond its range of ${longest}`
  if (field.names === DAYS && /(^|,)L(,|$)/i.test(text))
    return 'says "L" alone: say FRIL for the last Friday of the month, SAT for every Saturday'
  // Alone it would vanish, and the fields after it would be read in its place.
  if (text.split(',').includes('')) return `says ${printable(text)}, which has an empty entry`
  for (const part of text.split(',')) {
    const problem = wrongNames(part, field) ?? wrongPart(part, field) ?? wrongRange(part, field)
    if (problem) return problem
  }
  return undefined
}

function wrongNames(part: string, field: Field): string | undefined {
  for (const [word] of part.matchAll(/[A-Za-z]{2,}/g)) {
    const name = word.toUpperCase().replace(/^([A-Z]{3})L$/, '$1')
    if (field.names.includes(name)) continue
    const short = [...MONTHS, ...DAYS].find((known) => name.startsWith(known))
    const known = field.names.length > 0 ? `; its names are ${field.names.join(', ')}` : ', which has no names'
    if (short === undefined) return `says ${printable(word)}${known}`
    if (field.names.includes(short)) return `says ${printable(word)}: say ${short}`
    return `says ${printable(word)}: that belongs into the ${MONTHS.includes(short) ? 'month' : 'day of week'} field`
  }
  return undefined
}

/** What the parser refuses in words of its own. */
function wrongPart(part: string, { name, min, max, names }: Field): string | undefined {
  const [body = '', step, ...more] = part.split('/')
  if (step !== undefined && (more.length > 0 || !/^\d+$/.test(step)))
    return `says ${printable(part)}, which is no step: say ${body || '*'}/5`
  if (step !== undefined && Number(step) === 0) return `says ${printable(part)}, a step of 0`
  if (/^(\d+|L)W$/i.test(body)) return `says ${printable(part)}: the nearest weekday cannot be said`
  if (/^L-\d+$/i.test(body)) return `says ${printable(part)}: days before the last one of the month cannot be said`
  if (body === '*' || body === '?' || (name === 'day of month' && /^L$/i.test(body))) return undefined
  const plain = names === DAYS ? body.replace(/(\w)(?:L|#[1-5])$/i, '$1') : body
  const ends = plain.split('-')
  const isNumber = (end: string) => /^\d+$/.test(end) || names.includes(end.toUpperCase())
  if (ends.length > 2 || !ends.every(isNumber)) return `says ${printable(part)}, which is no value, range or step`
  const isWithin = ends.every((end) => names.includes(end.toUpperCase()) || (Number(end) >= min && Number(end) <= max))
  return isWithin ? undefined : `says ${printable(part)}, beyond its range of ${min}-${max}`
}

function wrongRange(part: string, field: Field): string | undefined {
  const range = rangeOf(part, field)
  if (!range || range.first <= range.last || field.wraps) return undefined
  const { first, last, step } = range
  const end = first === field.max ? `${first}` : `${first}-${field.max}`
  const start = last === field.min ? `${last}` : `${field.min}-${last}`
  return `says ${printable(part)}, which ends before it begins: say ${step > 1 ? 'each value' : `${end},${start}`}`
}

/** A range of values within the field; else the parser reports the error. */
function rangeOf(part: string, field: Field): { first: number; last: number; step: number } | undefined {
  const [, from = '', to = '', step = '1'] = RANGE.exec(part) ?? []
  const [first, last] = [numberOf(from, field), numberOf(to, field)]
  if (![first, last].every((value) => value >= field.min && value <= field.max)) return undefined
  return { first, last, step: Number(step) }
}

function numberOf(text: string, { names, min }: Field): number {
  const place = names.indexOf(text.toUpperCase())
  return place >= 0 ? place + min : text === '' ? Number.NaN : Number(text)
}

/** The same expression as cron-parser reads it: without ranges that wrap, without a value that is named twice, and in capitals. */
export function normalized(cron: string): string {
  if (cron.startsWith('@')) return cron
  const fields = described(cron.toUpperCase().split(' '))
  return fields.map(({ text, field }) => [...new Set(text.split(',').flatMap((part) => valuesOf(part, field, text)))].join(',')).join(' ')
}

/** The hours that an hour field names; none if it cannot be read. */
export function hoursOf(text: string): ReadonlySet<number> {
  const values = text.split(',').flatMap((part) => valuesOf(part, FIELDS[2] as Field, text))
  return new Set(values.filter((value) => typeof value === 'number'))
}

/** The values of a part of a field, or the part as it is. Sunday is 0 and 7: a range may begin or end with it. */
function valuesOf(part: string, field: Field, text: string): (string | number)[] {
  const count = field.names === DAYS ? DAYS.length : field.max - field.min + 1
  const place = (value: number) => ((value - field.min) % count) + field.min
  const value = numberOf(part, field)
  if (value >= field.min && value <= field.max) return [place(value)]
  // A field of one part may be `*`, which days of the month and of the week do not treat as a list of all days.
  const listed = part === text ? part : part.replace('*', `${field.min}-${field.min + count - 1}`)
  const range = rangeOf(listed.replace(/^(\w+)\//, `$1-${field.max}/`), field)
  if (!range || range.step < 1 || (range.first > range.last && !field.wraps)) return [part]
  const values: number[] = []
  const last = range.first > range.last ? range.last + count : range.last
  for (let at = range.first; at <= last; at += range.step) values.push(place(at))
  return values
}
