import { CarillonError } from '@carillon/contracts'
import type { Row } from './sql-dump.ts'

/**
 * The rows of a CSV text (RFC 4180) with a header. `NULL` and `\N` without quotes are no value.
 * @returns the columns, too: a table without rows has them
 * @throws CarillonError INVALID_REQUEST
 */
export function readCsv(text: string): { columns: readonly string[]; rows: Row[] } {
  const [header, ...records] = recordsOf(text.replace(/^\ufeff/, ''))
  const columns = (header ?? []).map((name) => (name ?? '').trim().toLowerCase())
  const rows = records.map((values, i) => {
    if (values.length === columns.length) return new Map(columns.map((name, column) => [name, values[column] ?? null]))
    throw new CarillonError('INVALID_REQUEST', `record ${i + 2} has ${values.length} values for ${columns.length} columns`, {
      field: 'file',
      hint: 'Give a CSV file with a header: values with commas, quotes or line ends stand in double quotes.',
    })
  })
  return { columns, rows }
}

function recordsOf(text: string): (string | null)[][] {
  const records: (string | null)[][] = []
  let record: (string | null)[] = []
  const value = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n|$)/y
  for (let found = value.exec(text); found !== null; found = value.exec(text)) {
    const [, quoted, bare = '', end] = found
    record.push(quoted !== undefined ? quoted.replaceAll('""', '"') : bare === 'NULL' || bare === '\\N' ? null : bare)
    if (end !== ',') {
      if (record.length > 1 || record[0] !== '') records.push(record)
      record = []
      if (value.lastIndex >= text.length) return records
    }
  }
  throw new CarillonError(
    'INVALID_REQUEST',
    `record ${records.length + 1} of the CSV file has a quote that is not closed, or text after one`,
    {
      field: 'file',
      hint: 'Values with commas, quotes or line ends stand in double quotes; a quote within is doubled.',
    },
  )
}
