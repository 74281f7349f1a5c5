import type { Page } from '@carillon/contracts'
import stringWidth from 'string-width'
import { writeArray } from './json-array.ts'
import { harmless, type Terminal, type Tone } from './terminal.ts'

/** One column: its heading and what it shows of a row. */
export interface Column<Row> {
  readonly heading: string
  /** Plain, also where it comes from strangers: it is made harmless here, and painted after that. */
  readonly text: (row: Row) => string
  /** Its colour. Default: none. */
  readonly tone?: (row: Row) => Tone
}

const WIDEST_CELL = 60

/**
 * Prints a list, page by page as it is read: a table for people, an array of the rows for programs. An empty one says what to do next.
 * @param options.all every page; without it the first one that holds something, and for people that there are more
 * @param options.empty what a person may do when there is nothing
 * @throws CutShort when `pages` fails after some were written
 */
export async function printList<Row>(
  terminal: Terminal,
  pages: AsyncIterable<Page<Row>>,
  { all, columns, empty }: { all: boolean; columns: readonly Column<Row>[]; empty: string },
): Promise<void> {
  if (terminal.json) return writeArray(terminal, rowsOf(wanted(pages, all)))
  let table: Table<Row> | undefined
  let isMore = false
  for await (const { items, next } of wanted(pages, all)) {
    isMore = next !== undefined
    if (items.length === 0) continue
    const isWhole = !(all && isMore)
    const head = table === undefined
    table ??= new Table(terminal, isWhole ? columns.filter((column) => items.some((row) => column.text(row) !== '')) : columns, items)
    await terminal.write(`${head ? table.head() : ''}${items.map((row) => table?.line(row)).join('')}`)
  }
  if (table === undefined) terminal.print(empty)
  else if (isMore) terminal.note(terminal.paint('quiet', 'There are more: --all shows all of them.'))
}

async function* wanted<Row>(pages: AsyncIterable<Page<Row>>, all: boolean): AsyncGenerator<Page<Row>> {
  for await (const page of pages) {
    yield page
    if (!all && page.items.length > 0) return
  }
}

async function* rowsOf<Row>(pages: AsyncIterable<Page<Row>>): AsyncGenerator<readonly Row[]> {
  for await (const { items } of pages) yield items
}

/** Lines of a table whose columns are as wide as the rows of its first page need: a later row that needs more shows all the same. */
class Table<Row> {
  readonly #terminal: Terminal
  readonly #columns: readonly { readonly column: Column<Row>; readonly width: number }[]

  constructor(terminal: Terminal, columns: readonly Column<Row>[], rows: readonly Row[]) {
    this.#terminal = terminal
    this.#columns = columns.map((column) => {
      const width = rows.reduce((most, row) => Math.max(most, stringWidth(cellText(column, row))), stringWidth(column.heading))
      return { column, width }
    })
  }

  head(): string {
    return this.#line(({ heading }) => [heading, 'quiet'])
  }

  line(row: Row): string {
    return this.#line((column) => [cellText(column, row), column.tone?.(row)])
  }

  /** Painted last: the escapes of a colour are ours, and neither to be shown nor to be counted. */
  #line(cell: (column: Column<Row>) => readonly [text: string, tone: Tone | undefined]): string {
    const cells = this.#columns.map(({ column, width }) => {
      const [text, tone] = cell(column)
      return `${tone === undefined ? text : this.#terminal.paint(tone, text)}${' '.repeat(Math.max(0, width - stringWidth(text)))}`
    })
    return `${cells.join('  ').trimEnd()}\n`
  }
}

/** Prints one thing: lines of name and value for people, the thing itself for programs. */
export function printFields(
  terminal: Terminal,
  thing: unknown,
  fields: readonly (readonly [name: string, value: string | undefined])[],
): void {
  if (terminal.json) {
    terminal.value(thing)
    return
  }
  const given = fields.filter((field): field is [string, string] => field[1] !== undefined && field[1] !== '')
  const width = Math.max(...given.map(([name]) => name.length))
  for (const [name, value] of given) terminal.print(`${terminal.paint('quiet', name.padEnd(width))}  ${harmless(value)}`)
}

function cellText<Row>({ text }: Column<Row>, row: Row): string {
  const line = harmless(text(row)).replaceAll(/\s+/g, ' ')
  return line.length > WIDEST_CELL ? `${line.slice(0, WIDEST_CELL - 1)}…` : line
}
