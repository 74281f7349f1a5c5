import { CarillonError, LIMITS, printable, writeJson } from '@carillon/contracts'

const VALUE = { field: 'value', maxBytes: LIMITS.contextBytes, tooLarge: 'CONTEXT_TOO_LARGE', notJson: 'INVALID_JSON' } as const

/** What a task of a workflow has been given by the nodes before it, and adds for those behind it. @internal */
export class WorkflowContext {
  readonly #given: Readonly<Record<string, unknown>> | undefined
  /** JSON texts by key. */
  readonly #added = new Map<string, string>()

  /** @param given undefined: the task is none of a workflow */
  constructor(given: Readonly<Record<string, unknown>> | undefined) {
    this.#given = given
  }

  /** With what was added. A copy: changing it changes nothing. */
  get values(): Record<string, unknown> {
    const values = new Map(Object.entries(this.#given ?? {}))
    for (const [key, text] of this.#added) values.set(key, JSON.parse(text))
    return Object.fromEntries(values)
  }

  /** @throws CarillonError INVALID_REQUEST, INVALID_JSON, CONTEXT_TOO_LARGE */
  set(key: string, value: unknown): void {
    if (this.#given === undefined)
      throw new CarillonError('INVALID_REQUEST', `${printable(key)} cannot be set: the run is no workflow`, {
        field: 'key',
        value: printable(key),
        hint: 'Only tasks of a workflow have a context: return a result, or keep data of the job by setData.',
      })
    if (typeof key !== 'string' || key === '' || key.length > LIMITS.contextKeyLength)
      throw new CarillonError('INVALID_REQUEST', `key is wrong: ${printable(key)}`, {
        field: 'key',
        value: printable(key),
        hint: `Use a text of 1 to ${LIMITS.contextKeyLength} letters.`,
      })
    const before = this.#added.get(key)
    this.#added.set(key, writeJson(value, VALUE))
    const bytes = Buffer.byteLength(JSON.stringify(this.values))
    if (bytes <= LIMITS.contextBytes) return
    const own = Buffer.byteLength(this.#added.get(key) as string)
    if (before === undefined) this.#added.delete(key)
    else this.#added.set(key, before)
    const message = `with ${own} bytes of ${printable(key)} the context has ${bytes} bytes, the limit is ${LIMITS.contextBytes}`
    throw new CarillonError('CONTEXT_TOO_LARGE', message, { field: key, value: `${own} bytes` })
  }

  /** JSON text of what was added; undefined: nothing. */
  get addedText(): string | undefined {
    if (this.#added.size === 0) return undefined
    return `{${[...this.#added].map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`
  }
}
