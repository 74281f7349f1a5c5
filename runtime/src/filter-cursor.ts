import { createHash } from 'node:crypto'
import { CarillonError, printable } from '@carillon/contracts'

/** Letters of a fingerprint: an accident in a thousand billion, and no secret. */
const FINGERPRINT_LETTERS = 8
const SEPARATOR = '~'

/** Ties the cursors of a list to its filters: with others, a position would silently skip or repeat what is listed. */
export class FilterCursor {
  readonly #fingerprint: string

  /** @param filters what of a request must not change between two pages */
  constructor(filters: Readonly<Record<string, unknown>>) {
    const given = Object.entries(filters).filter(([, value]) => value !== undefined)
    const text = JSON.stringify(given.sort(([one], [other]) => (one < other ? -1 : 1)))
    this.#fingerprint = createHash('sha256').update(text).digest('base64url').slice(0, FINGERPRINT_LETTERS)
  }

  seal(cursor: string): string {
    return `${this.#fingerprint}${SEPARATOR}${cursor}`
  }

  /** @throws CarillonError INVALID_REQUEST of one that another list gave out */
  open(cursor: string | undefined): string | undefined {
    if (cursor === undefined) return undefined
    const [fingerprint, rest] = [cursor.slice(0, FINGERPRINT_LETTERS), cursor.slice(FINGERPRINT_LETTERS + 1)]
    if (cursor[FINGERPRINT_LETTERS] !== SEPARATOR || rest === '') throw wrong(cursor, 'cursor is not one that this list gave out')
    if (fingerprint !== this.#fingerprint) throw wrong(cursor, 'cursor goes with other filters')
    return rest
  }
}

const wrong = (cursor: string, message: string) =>
  new CarillonError('INVALID_REQUEST', message, {
    field: 'cursor',
    value: printable(cursor),
    hint: 'Pass the cursor of the previous page unchanged and with the same filters, or none.',
  })
