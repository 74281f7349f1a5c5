import { useQuery } from '@tanstack/react-query'
import { useLocation, useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { namesOf, sessionQuery } from '../session/session.ts'
import { pagePath } from '../url/page-path.ts'
import { useNamespace } from '../url/use-namespace.ts'
import styles from './namespace-switch.module.css'

/** The namespaces that the reader may see: the same page of another one. */
export function NamespaceSwitch(): ReactNode {
  const { shell } = useMessages()
  const namespace = useNamespace()
  const navigate = useNavigate()
  const { pathname } = useLocation()
  const { data } = useQuery(sessionQuery)
  const names = [...new Set([namespace, ...namesOf(data)])].sort()
  const page = pathname.split('/')[3] ?? 'overview'
  if (names.length < 2) return <span className={styles['only']}>{namespace}</span>
  return (
    <select
      className={styles['switch']}
      aria-label={shell.namespace}
      value={namespace}
      onChange={(event) => navigate({ to: pagePath(event.currentTarget.value, page) }).catch(() => undefined)}
    >
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  )
}
