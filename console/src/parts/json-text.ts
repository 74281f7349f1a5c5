/** Above this a text is shown from its beginning only, until someone asks for the rest. */
export const COLLAPSED_ABOVE = 100 * 1024
/** Above this the rest can only be downloaded: a page with it would freeze. */
export const DOWNLOAD_ABOVE = 1024 * 1024
const SHOWN = 8 * 1024

/** How a text is shown at first. */
export interface TextView {
  readonly shown: string
  readonly isCut: boolean
  /** The whole may be shown on demand. */
  readonly mayShowAll: boolean
}

export function viewOf(text: string): TextView {
  if (text.length <= COLLAPSED_ABOVE) return { shown: text, isCut: false, mayShowAll: true }
  return { shown: text.slice(0, SHOWN), isCut: true, mayShowAll: text.length <= DOWNLOAD_ABOVE }
}

/** The text of a value. The mesh accepts only numbers that a double keeps exactly, so this is what was sent. */
export function jsonText(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value, null, 2)
}

export function sizeText(letters: number): string {
  if (letters < 1_024) return `${letters} B`
  return letters < 1024 * 1024 ? `${Math.round(letters / 1_024)} KiB` : `${(letters / 1024 / 1024).toFixed(1)} MiB`
}

export interface JsonPiece {
  readonly text: string
  readonly kind: 'key' | 'string' | 'number' | 'word' | 'sign'
}

const PIECE = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|(true|false|null)/g

/** JSON text in coloured pieces; together they are the text, sign by sign. */
export function jsonPieces(text: string): JsonPiece[] {
  const pieces: JsonPiece[] = []
  let end = 0
  for (const match of text.matchAll(PIECE)) {
    if (match.index > end) pieces.push({ kind: 'sign', text: text.slice(end, match.index) })
    const [whole, quoted, colon, number] = match
    if (quoted !== undefined) pieces.push({ kind: colon === undefined ? 'string' : 'key', text: whole })
    else pieces.push({ kind: number === undefined ? 'word' : 'number', text: whole })
    end = match.index + whole.length
  }
  if (end < text.length) pieces.push({ kind: 'sign', text: text.slice(end) })
  return pieces
}
