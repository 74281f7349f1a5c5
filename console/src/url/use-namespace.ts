import { useParams } from '@tanstack/react-router'

/** The namespace that the page is about: part of every path. */
export function useNamespace(): string {
  return useParams({ strict: false }).namespace ?? 'default'
}
