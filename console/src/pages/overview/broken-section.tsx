import type { ErrorGroup } from '@carillon/contracts'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Section } from '../../parts/page.tsx'
import { RelativeTime } from '../../time/time.tsx'
import { pagePath } from '../../url/page-path.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import styles from './overview-page.module.css'

/** Failures with one cause are one line: how often, where, since when, and the run to open. */
export function BrokenSection({ errors }: { readonly errors: readonly ErrorGroup[] }): ReactNode {
  const { overview } = useMessages()
  const namespace = useNamespace()
  if (errors.length === 0) return <p className={styles['well']}>{overview.brokeNothing}</p>
  return (
    <Section title={overview.broke}>
      <ul className={styles['errors']}>
        {errors.map(({ fingerprint, name, message, count, lastAt, job, handler, runId }) => (
          <li key={fingerprint} data-row={fingerprint}>
            <span className={styles['error-count']}>{overview.times(count)}</span>
            <Link to={pagePath(namespace, `runs/${runId}`)} className={styles['error-text']}>
              <strong>{name}</strong> {message}
            </Link>
            <span className={styles['error-place']}>
              {job ?? handler} · <RelativeTime at={lastAt} />
            </span>
          </li>
        ))}
      </ul>
    </Section>
  )
}
