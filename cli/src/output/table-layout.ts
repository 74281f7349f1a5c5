import stringWidth from 'string-width'
import { harmless, type Terminal, type Tone } from './terminal.ts'

/** One column: its heading and what it shows of a row. */
export interface Column<Row> {
  readonly heading: string
  /** Plain text, also from untrusted sources: it is escaped here, and coloured after that. */
  readonly text: (row: Row) => string
  /** The same with fewer letters, for where there is little room. */
  readonly brief?: (row: Row) => string
  /** Its colour. Default: none. */
  readonly tone?: (row: Row) => Tone
  /** In a narrow terminal: never cut, such as an id; or left out, the highest number first. Default: cut, with an ellipsis. */
  readonly narrow?: 'whole' | number
}

interface Laid<Row> {
  readonly column: Column<Row>
  readonly text: (row: Row) => string
  readonly width: number
}

const GAP = 2
const WIDEST_CELL = 60
/** A cell is cut to no fewer letters, nor to fewer than its heading has. */
const NARROWEST_CELL = 8

/**
 * A table that is no wider than the terminal. Its columns are as wide as the rows of its first page need. Where that is too wide, columns use their short text,
 * then some are left out, then the widest are cut; where not even ids have room beside each other, each row is a block of lines.
 */
export class Table<Row> {
  readonly #terminal: Terminal
  readonly #columns: readonly Laid<Row>[]
  readonly #isBlocks: boolean

  constructor(terminal: Terminal, columns: readonly Column<Row>[], rows: readonly Row[]) {
    this.#terminal = terminal
    const full = columns.map((column) => laid(column, column.text, rows))
    const fitted = fit(full, rows, terminal.columns)
    this.#isBlocks = fitted === undefined
    this.#columns = fitted ?? full
  }

  head(): string {
    return this.#isBlocks ? '' : this.#line(({ heading }) => [heading, 'quiet'])
  }

  line(row: Row): string {
    return this.#isBlocks ? this.#block(row) : this.#line((column, text) => [text(row), column.tone?.(row)])
  }

  /**
   * A row of a later page may need more than its columns have: it takes what the line has left. Painted last: the escapes of a colour are ours, and
   * neither to be shown nor to be counted.
   */
  #line(cell: (column: Column<Row>, text: Laid<Row>['text']) => readonly [text: string, tone: Tone | undefined]): string {
    let left = this.#terminal.columns - widthOf(this.#columns)
    const cells = this.#columns.map(({ column, text: say, width }) => {
      const [whole, tone] = cell(column, say)
      const text = column.narrow === 'whole' ? whole : cut(whole, width + Math.max(0, left))
      const missing = width - stringWidth(text)
      left += Math.min(0, missing)
      return `${this.#painted(text, tone)}${' '.repeat(Math.max(0, missing))}`
    })
    return `${cells.join(' '.repeat(GAP)).trimEnd()}\n`
  }

  /** A line for each column that is not empty, and an empty one. */
  #block(row: Row): string {
    const wide = Math.max(...this.#columns.map(({ column }) => stringWidth(column.heading)))
    const lines = this.#columns
      .filter(({ text }) => text(row) !== '')
      .map(
        ({ column, text }) => `${this.#painted(column.heading.padEnd(wide), 'quiet')}  ${this.#painted(text(row), column.tone?.(row))}\n`,
      )
    return `${lines.join('')}\n`
  }

  #painted(text: string, tone: Tone | undefined): string {
    return tone === undefined ? text : this.#terminal.paint(tone, text)
  }
}

function laid<Row>(column: Column<Row>, say: (row: Row) => string, rows: readonly Row[]): Laid<Row> {
  const clean = (row: Row) => harmless(say(row)).replaceAll(/\s+/g, ' ')
  const text = column.narrow === 'whole' ? clean : (row: Row) => cut(clean(row), WIDEST_CELL)
  return { column, text, width: rows.reduce((most, row) => Math.max(most, stringWidth(text(row))), stringWidth(column.heading)) }
}

/** The columns within that many columns of the terminal, or undefined when they do not go in. */
function fit<Row>(full: readonly Laid<Row>[], rows: readonly Row[], limit: number): readonly Laid<Row>[] | undefined {
  if (widthOf(full) <= limit) return full
  let columns = full.map((one) => (one.column.brief === undefined ? one : laid(one.column, one.column.brief, rows)))
  const least = (one: Laid<Row>) => (one.column.narrow === 'whole' ? one.width : Math.min(one.width, leastWidth(one.column)))
  const leastOf = (some: readonly Laid<Row>[]) => some.reduce((sum, one) => sum + least(one) + GAP, -GAP)
  const rank = ({ column }: Laid<Row>) => (typeof column.narrow === 'number' ? column.narrow : 0)
  while (widthOf(columns) > limit) {
    const first = Math.max(...columns.map(rank))
    if (first <= 0) break
    columns = columns.filter((one) => rank(one) !== first)
  }
  if (leastOf(columns) > limit) return undefined
  while (widthOf(columns) > limit) {
    const widest = columns.filter((one) => one.width > least(one)).reduce((one, other) => (other.width > one.width ? other : one))
    columns = columns.map((one) => (one === widest ? { ...one, width: one.width - 1 } : one))
  }
  return columns
}

const leastWidth = ({ heading }: { heading: string }) => Math.max(NARROWEST_CELL, stringWidth(heading))
const widthOf = (columns: readonly { width: number }[]) => columns.reduce((sum, { width }) => sum + width + GAP, -GAP)

/** A text in so many columns of the terminal, with an ellipsis where something is missing. */
function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text
  let kept = ''
  let used = 1
  for (const letter of text) {
    used += stringWidth(letter)
    if (used > width) break
    kept += letter
  }
  return `${kept}…`
}
