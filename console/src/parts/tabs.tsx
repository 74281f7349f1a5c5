import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import styles from './tabs.module.css'

export interface Tab {
  readonly id: string
  readonly title: string
  readonly count?: number
}

/** Tabs of a page: links, for each has a URL of its own (`?tab=`). */
export function Tabs({ name, tabs, active }: { readonly name: string; readonly tabs: readonly Tab[]; readonly active: string }): ReactNode {
  return (
    <nav className={styles['tabs']} aria-label={name}>
      {tabs.map(({ id, title, count }) => (
        <Link
          key={id}
          to="."
          search={((search: object) => ({ ...search, tab: id })) as never}
          replace
          className={styles['tab']}
          aria-current={id === active ? 'page' : undefined}
        >
          {title}
          {count !== undefined && <span className={styles['count']}>{count}</span>}
        </Link>
      ))}
    </nav>
  )
}
