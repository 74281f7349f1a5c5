import type { QueryClient } from '@tanstack/react-query'
import { namesOf, SESSION_KEY, type Session } from '../session/session.ts'

/** `default`, if the reader has a role there; else the first that they have one in. */
export function startNamespace(queries: QueryClient): string {
  const names = namesOf(queries.getQueryData<Session | null>(SESSION_KEY))
  return names.includes('default') ? 'default' : (names[0] ?? 'default')
}
