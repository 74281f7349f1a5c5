import type { QueryClient } from '@tanstack/react-query'
import type { Session } from '../session/session.ts'
import { SESSION_KEY } from '../session/session.ts'

/** `default`, if the reader has a role there; else the first that they have one in. */
export function startNamespace(queries: QueryClient): string {
  const names = Object.keys(queries.getQueryData<Session | null>(SESSION_KEY)?.namespaces ?? {}).sort()
  return names.includes('default') ? 'default' : (names[0] ?? 'default')
}
