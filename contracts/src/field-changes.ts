/** One field that differs between two objects; undefined is absent. */
export interface FieldChange {
  /** As a path, such as `schedule.cron`. */
  readonly field: string
  readonly from?: unknown
  readonly to?: unknown
}

/** What differs between two objects of JSON values, field by field; a list is one value. */
export function fieldChanges(before: object, after: object): FieldChange[] {
  const [from, to] = [leavesOf(before), leavesOf(after)]
  return [...new Set([...to.keys(), ...from.keys()])]
    .filter((field) => sorted(from.get(field)) !== sorted(to.get(field)))
    .map((field) => ({ field, from: from.get(field), to: to.get(field) }))
}

/** The values of an object by their paths; lists and empty objects are values. */
function leavesOf(value: object, path = '', into = new Map<string, unknown>()): Map<string, unknown> {
  for (const [name, part] of Object.entries(value)) {
    const field = path === '' ? name : `${path}.${name}`
    if (part === undefined) continue
    if (typeof part === 'object' && part !== null && !Array.isArray(part) && Object.keys(part).length > 0) leavesOf(part, field, into)
    else into.set(field, part)
  }
  return into
}

/** As text that does not depend on the order of members. */
function sorted(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  )
}
