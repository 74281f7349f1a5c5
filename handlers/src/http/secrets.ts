import { refusal, wrongSetting } from '../refusal.ts'

/** A shorter text also appears where it is no secret, and would be masked there. */
const MIN_LETTERS = 8
/** Of other letters the bytes in a header are not those in a body, so they would not be found there. */
const PRINTABLE = /^[\t\x20-\x7e]*$/
const MASK = '***'

/** The values that tasks may send in headers by their names. They are masked wherever they would be shown. */
export class Secrets {
  readonly #values: ReadonlyMap<string, string>
  /** Longest first. */
  readonly #forms: readonly string[]

  /**
   * @param values by name; undefined: there is none
   * @throws CarillonError INVALID_REQUEST that names the setting and the secret, never its value
   */
  constructor(values: ReadonlyMap<string, string | undefined>, field: string) {
    for (const [name, value] of values) checkValue(field, name, value)
    this.#values = values as ReadonlyMap<string, string>
    this.#forms = [...new Set([...this.#values.values()].flatMap(formsOf))].sort((one, other) => other.length - one.length)
  }

  /** @throws NonRetryableError that names the field, the secret and those that there are */
  get(name: string, field: string): string {
    const value = this.#values.get(name)
    if (value !== undefined) return value
    const names = [...this.#values.keys()].join(', ')
    throw refusal(field, name, names === '' ? 'This executor has no secrets (--secret).' : `This executor has: ${names}.`)
  }

  /** @param isCut the text goes on: it may end within a secret */
  mask(text: string, isCut = false): string {
    const whole = this.#forms.reduce((masked, form) => masked.replaceAll(form, MASK), text)
    return isCut ? this.#withoutBeginning(whole) : whole
  }

  /** The same for JSON. */
  maskJson(value: unknown): unknown {
    if (typeof value === 'string') return this.mask(value)
    if (Array.isArray(value)) return value.map((entry) => this.maskJson(entry))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [this.mask(key), this.maskJson(member)]))
  }

  #withoutBeginning(text: string): string {
    for (const form of this.#forms)
      for (let letters = form.length - 1; letters >= MIN_LETTERS / 2; letters--)
        if (text.endsWith(form.slice(0, letters))) return text.slice(0, -letters) + MASK
    return text
  }
}

function checkValue(field: string, name: string, value: string | undefined): void {
  if (value === undefined || value === '')
    throw wrongSetting(field, name, `Set the variable ${name}, or ${name}_FILE to a file that holds it.`)
  if (value.length < MIN_LETTERS)
    throw wrongSetting(field, name, `A secret has at least ${MIN_LETTERS} letters: a shorter one cannot be masked.`)
  if (!PRINTABLE.test(value)) throw wrongSetting(field, name, 'Its value has letters other than those of ASCII, or a line end.')
}

/** The ways in which a server may repeat a value: as it is, a part of it (`Bearer …`), in a URL, in JSON, in base64. */
function formsOf(value: string): string[] {
  const parts = value.split(/\s+/).filter((part) => part.length >= MIN_LETTERS)
  return [value, ...parts].flatMap((text) => [
    text,
    encodeURIComponent(text),
    JSON.stringify(text).slice(1, -1),
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
  ])
}
