import type { ReactNode } from 'react'
import { ScrollBox } from './scroll-box.tsx'
import styles from './table.module.css'

export interface Column<Row> {
  readonly key: string
  readonly title: string
  readonly cell: (row: Row) => ReactNode
  /** Numbers stand at the end. */
  readonly isNumber?: boolean
  /** Left out on a narrow screen. */
  readonly isSecondary?: boolean
  /** A sentence: it takes several lines where there is no room. */
  readonly isSentence?: boolean
}

export interface TableProps<Row> {
  /** What the table is about, for screen readers. */
  readonly name: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly idOf: (row: Row) => string
  readonly selected?: string | undefined
}

/** A table of a few hundred rows at most; longer lists are virtual. The link in a row's first cell is what opens it. */
export function Table<Row>({ name, columns, rows, idOf, selected }: TableProps<Row>): ReactNode {
  return (
    <ScrollBox className={styles['box']} name={name}>
      <table className={styles['table']}>
        <thead>
          <tr>
            {columns.map(({ key, title, isNumber, isSecondary }) => (
              <th key={key} scope="col" data-number={isNumber} data-secondary={isSecondary}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={idOf(row)} data-row={idOf(row)} data-selected={idOf(row) === selected}>
              {columns.map(({ key, cell, isNumber, isSecondary, isSentence }) => (
                <td key={key} data-number={isNumber} data-secondary={isSecondary} data-sentence={isSentence}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollBox>
  )
}
