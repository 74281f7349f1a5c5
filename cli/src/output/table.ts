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
const NO_LINES = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((part) => [part, '']),
)

/**
 * Prints a list: a table for people, an array of the rows for programs. An empty one says what to do next.
 * @param options.empty what a person may do when there is nothing
 */
export async function printList<Row>(
  terminal: Terminal,
  rows: readonly Row[],
  options: { columns: readonly Column<Row>[]; empty: string; more?: string | undefined },
): Promise<void> {
  if (terminal.json) return terminal.value(rows)
  if (rows.length === 0) return terminal.print(options.empty)
  // Loaded here: most commands print no table.
  const { default: Table } = await import('cli-table3')
  const shown = options.columns.filter((column) => rows.some((row) => column.text(row) !== ''))
  const table = new Table({
    head: shown.map((column) => terminal.paint('quiet', column.heading)),
    chars: { ...NO_LINES, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  table.push(...rows.map((row) => shown.map((column) => cell(terminal, column, row))))
  terminal.print(table.toString().replaceAll(/ +$/gm, ''))
  if (options.more !== undefined) terminal.note(terminal.paint('quiet', options.more))
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

function cell<Row>(terminal: Terminal, { text, tone }: Column<Row>, row: Row): string {
  const line = harmless(text(row)).replaceAll(/\s+/g, ' ')
  const short = line.length > WIDEST_CELL ? `${line.slice(0, WIDEST_CELL - 1)}…` : line
  // Last: the escapes of a colour are ours, and neither to be shown nor to be counted.
  return tone === undefined ? short : terminal.paint(tone(row), short)
}
