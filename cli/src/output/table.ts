import type { Page } from '@carillon/contracts'
import { writeArray } from './json-array.ts'
import { type Column, Table } from './table-layout.ts'
import { harmless, type Terminal } from './terminal.ts'

/**
 * Prints a list, page by page as it is read: a table for people, an array of the rows for programs. An empty one has a hint.
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
  else if (isMore) noteMore(terminal)
}

/** The same of entries that take several lines each. */
export async function printBlocks<Entry>(
  terminal: Terminal,
  pages: AsyncIterable<Page<Entry>>,
  { all, print }: { all: boolean; print: (entry: Entry) => void },
): Promise<void> {
  if (terminal.json) return writeArray(terminal, rowsOf(wanted(pages, all)))
  let isMore = false
  for await (const { items, next } of wanted(pages, all)) {
    isMore = next !== undefined
    for (const entry of items) print(entry)
  }
  if (isMore && !all) noteMore(terminal)
}

const noteMore = (terminal: Terminal) => terminal.note(terminal.paint('quiet', 'There are more: --all shows all of them.'))

async function* wanted<Row>(pages: AsyncIterable<Page<Row>>, all: boolean): AsyncGenerator<Page<Row>> {
  for await (const page of pages) {
    yield page
    if (!all && page.items.length > 0) return
  }
}

async function* rowsOf<Row>(pages: AsyncIterable<Page<Row>>): AsyncGenerator<readonly Row[]> {
  for await (const { items } of pages) yield items
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
