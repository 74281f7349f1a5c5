import { Link } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useRef } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { ScrollBox } from '../../parts/scroll-box.tsx'
import { HEADER, ROWS, rowRole, tableRole } from '../../parts/table-roles.ts'
import { AbsoluteTime } from '../../time/time.tsx'
import { RunRow } from './run-row.tsx'
import styles from './runs-page.module.css'
import type { RunsSource } from './runs-source.ts'
import type { Selection } from './use-selection.ts'

const ROW_PX = 36
const COARSE_ROW_PX = 48
const OVERSCAN = 12
/** Browsers cap the height of an element: Firefox at 17.9 million px. Behind it the list goes on from the time of its last row. */
const MOST_ROWS = 300_000

const rowPx = () => (matchMedia('(pointer: coarse)').matches ? COARSE_ROW_PX : ROW_PX)

/** The rows that are seen, and some around them. */
export function RunsList({ source, selection }: { readonly source: RunsSource; readonly selection: Selection }): ReactNode {
  const { runs } = useMessages()
  const box = useRef<HTMLElement>(null)
  const { pages } = source
  const isFull = pages.count >= MOST_ROWS
  // One more row than is known leads to what follows.
  const count = pages.count + (pages.isComplete || isFull ? 0 : 1)
  const rows = useVirtualizer({ count, getScrollElement: () => box.current, estimateSize: rowPx, overscan: OVERSCAN })
  const shown = rows.getVirtualItems()
  const [from, to] = [shown[0]?.index ?? 0, shown.at(-1)?.index ?? 0]
  useEffect(() => {
    if (!isFull) source.need(from, to)
  })
  return (
    <ScrollBox ref={box} name={runs.list} className={styles['list']}>
      <div {...tableRole(runs.list, pages.isComplete ? pages.count + 1 : -1)} className={styles['table']}>
        <ListHead selection={selection} />
        <div {...ROWS} className={styles['rows']} style={{ height: rows.getTotalSize() }}>
          {shown.map(({ index, start }) => (
            <RunRow
              key={pages.row(index)?.runId ?? `row ${index}`}
              run={pages.row(index)}
              index={index}
              top={start}
              selection={selection}
            />
          ))}
        </div>
      </div>
      {isFull && <Continue source={source} />}
    </ScrollBox>
  )
}

function ListHead({ selection }: { readonly selection: Selection }): ReactNode {
  const { runs } = useMessages()
  const { columns } = runs
  return (
    <div {...rowRole(1)} className={`${styles['row']} ${styles['header']}`}>
      <span {...HEADER}>
        <input type="checkbox" aria-label={runs.selectAll} checked={selection.ids.size > 0} onChange={() => selection.toggleAll()} />
      </span>
      <span {...HEADER}>{columns.state}</span>
      <span {...HEADER}>{columns.job}</span>
      <span {...HEADER} data-secondary>
        {columns.note}
      </span>
      <span {...HEADER}>{columns.created}</span>
      <span {...HEADER} data-number>
        {columns.took}
      </span>
      <span {...HEADER} data-secondary data-number>
        {columns.attempt}
      </span>
      <span {...HEADER} data-secondary>
        {columns.instance}
      </span>
    </div>
  )
}

/** Where the list is longer than a browser can scroll: the same from the time of its last row. */
function Continue({ source: { pages } }: { readonly source: RunsSource }): ReactNode {
  const { runs } = useMessages()
  const last = pages.row(pages.count - 1)
  if (last === undefined) return null
  return (
    <Link from="/n/$namespace/runs" to="." search={(before) => ({ ...before, until: last.createdAt })} className={styles['continue']}>
      {runs.continueBefore} <AbsoluteTime at={last.createdAt} />
    </Link>
  )
}
