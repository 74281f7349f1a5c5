import { type ReactNode, useEffect } from 'react'
import styles from './page.module.css'

export interface PageProps {
  readonly title: string
  /** Above the title: where the page belongs. */
  readonly path?: ReactNode
  /** Beside the title. */
  readonly mark?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}

/** The frame of every page: one heading, what can be done, and the content. */
export function Page({ title, path, mark, actions, children }: PageProps): ReactNode {
  useEffect(() => {
    document.title = `${title} · Carillon`
  }, [title])
  return (
    <div className={styles['page']}>
      <header className={styles['head']}>
        {path !== undefined && <div className={styles['path']}>{path}</div>}
        <div className={styles['line']}>
          <h1 className={styles['title']}>{title}</h1>
          {mark}
          {actions !== undefined && <div className={styles['actions']}>{actions}</div>}
        </div>
      </header>
      {children}
    </div>
  )
}

/** A box of a page with a heading. */
export function Section({
  title,
  side,
  children,
}: {
  readonly title: string
  readonly side?: ReactNode
  readonly children: ReactNode
}): ReactNode {
  return (
    <section className={styles['section']}>
      <div className={styles['bar']}>
        <h2>{title}</h2>
        {side}
      </div>
      {children}
    </section>
  )
}

export interface Fact {
  readonly name: string
  readonly value: ReactNode
}

/** Names and values in columns. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }): ReactNode {
  return (
    <dl className={styles['facts']}>
      {facts.map(({ name, value }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
