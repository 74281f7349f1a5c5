import { CarillonError } from '@carillon/contracts'

/** A row of a table, by the names of its columns. */
export type Row = ReadonlyMap<string, string | null>

/**
 * The rows that a dump of MySQL inserts into a table. The columns are those of the INSERT statement, else those of CREATE TABLE.
 * @throws CarillonError INVALID_REQUEST
 */
export function rowsOfDump(dump: string, table: string): Row[] {
  const rows: Row[] = []
  const insert = new RegExp(`\\binsert\\s+(?:ignore\\s+)?into\\s+${named(table)}\\s*(\\([^)]*\\))?\\s*values\\s*`, 'gi')
  for (let found = insert.exec(dump); found !== null; found = insert.exec(dump)) {
    const columns = found[1] === undefined ? columnsOf(dump, table) : namesIn(found[1].slice(1, -1))
    const { tuples, end } = tuplesAt(dump, insert.lastIndex)
    for (const values of tuples) rows.push(rowOf(columns, values, table))
    insert.lastIndex = end
  }
  return rows
}

const named = (table: string) => `(?:[\`"]?\\w+[\`"]?\\.)?[\`"]?${table}[\`"]?`
const namesIn = (list: string) => list.split(',').map((name) => name.trim().replace(/[`"]/g, '').toLowerCase())

/** The columns of a table, by its CREATE TABLE. @throws CarillonError INVALID_REQUEST if there is none */
export function columnsOf(dump: string, table: string): string[] {
  const [, body] =
    new RegExp(`create\\s+table\\s+(?:if\\s+not\\s+exists\\s+)?${named(table)}\\s*\\(\\s*\\n([\\s\\S]*?)\\n\\s*\\)`, 'i').exec(dump) ?? []
  if (body === undefined)
    throw new CarillonError('INVALID_REQUEST', `the dump does not say what the columns of ${table} are`, {
      field: 'file',
      hint: 'Make it with mysqldump --complete-insert, or with the CREATE TABLE statements.',
    })
  return [...body.matchAll(/^\s*`(\w+)`/gm)].map(([, name = '']) => name.toLowerCase())
}

function rowOf(columns: readonly string[], values: readonly (string | null)[], table: string): Row {
  if (values.length === columns.length) return new Map(columns.map((name, i) => [name, values[i] ?? null]))
  throw new CarillonError('INVALID_REQUEST', `a row of ${table} has ${values.length} values for ${columns.length} columns`, {
    field: 'file',
    hint: 'Make the dump again: it may have been changed or cut off.',
  })
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', b: '\b', Z: '\u001a' }

/** The lists of values from `start` to the semicolon. */
function tuplesAt(dump: string, start: number): { tuples: (string | null)[][]; end: number } {
  const tuples: (string | null)[][] = []
  let values: (string | null)[] | undefined
  const token = /\s+|(?:_\w+\s*)?'([^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*)'|([^\s'(),;]+)|([(),;])/y
  token.lastIndex = start
  for (let found = token.exec(dump); found !== null; found = token.exec(dump)) {
    const [, quoted, bare, sign] = found
    if (sign === ';') return { tuples, end: token.lastIndex }
    if (sign === '(') values = []
    else if (sign === ')' && values !== undefined) {
      tuples.push(values)
      values = undefined
    } else if (quoted !== undefined)
      values?.push(quoted.replace(/\\([\s\S])|''/g, (_, letter?: string) => (letter === undefined ? "'" : (ESCAPES[letter] ?? letter))))
    else if (bare !== undefined) values?.push(bare.toUpperCase() === 'NULL' ? null : bare)
  }
  throw new CarillonError('INVALID_REQUEST', 'the dump ends within a statement, or holds something that is no value', {
    field: 'file',
    hint: 'Make the dump again: it may have been changed or cut off.',
  })
}
