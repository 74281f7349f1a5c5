/** The roles of a table whose rows are virtual: the elements of a table cannot be placed freely. */
export const ROWS = { role: 'rowgroup' } as const
export const CELL = { role: 'cell' } as const
export const HEADER = { role: 'columnheader' } as const

/** @param count -1: nobody knows how many there are */
export const tableRole = (name: string, count: number) => ({ role: 'table', 'aria-label': name, 'aria-rowcount': count }) as const
/** @param row its place among all rows, from 1; the header is the first */
export const rowRole = (row: number) => ({ role: 'row', 'aria-rowindex': row }) as const
