/** The part of a URL after `?`, as plain text: what a page does not know is ignored, so an old link opens. */
export type Search = Readonly<Record<string, string>>

export function parseSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text))
}

/** Fields that are empty or undefined are left out; lists are joined by commas. */
export function writeSearch(search: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(search)) {
    const text = Array.isArray(value) ? value.join(',') : value
    if (text !== undefined && text !== null && text !== '' && text !== false) query.set(name, String(text))
  }
  const written = query.toString()
  return written === '' ? '' : `?${written}`
}

/** The text of a field; undefined when it is not there. */
export function textOf(search: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = search[name]
  return value === undefined || value === '' ? undefined : String(value)
}

/** One of these values; anything else counts as not given. */
export function oneOf<Value extends string>(
  search: Readonly<Record<string, unknown>>,
  name: string,
  values: readonly Value[],
): Value | undefined {
  return values.find((value) => value === search[name])
}

/** Those of a list that are values. */
export function someOf<Value extends string>(
  search: Readonly<Record<string, unknown>>,
  name: string,
  values: readonly Value[],
): readonly Value[] {
  const given = search[name]
  const texts = Array.isArray(given) ? given.map(String) : String(given ?? '').split(',')
  return values.filter((value) => texts.includes(value))
}

/** A whole number; anything else counts as not given. */
export function numberOf(search: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = Number(textOf(search, name))
  return Number.isSafeInteger(value) ? value : undefined
}
