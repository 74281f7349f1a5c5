import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { EmptyState } from '../parts/states.tsx'

export function NotFound(): ReactNode {
  const { shell } = useMessages()
  return (
    <EmptyState title={shell.notFound}>
      <Link to="/">{shell.toOverview}</Link>
    </EmptyState>
  )
}
