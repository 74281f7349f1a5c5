import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, Outlet, redirect } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { NotFound } from '../shell/not-found.tsx'
import { Shell } from '../shell/shell.tsx'
import { StreamProvider } from '../stream/stream-context.tsx'
import { pagePath } from '../url/page-path.ts'
import { startNamespace } from './start-namespace.ts'

export interface RouterContext {
  readonly queries: QueryClient
}

export const rootRoute = createRootRouteWithContext<RouterContext>()({ component: Outlet, notFoundComponent: NotFound })

/** `/`: the overview of the namespace that was open last, if the reader may see it. */
export const startRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: ({ context }) => {
    throw redirect({ to: pagePath(startNamespace(context.queries), 'overview'), replace: true })
  },
})

/** The parent of every page: all are about one namespace. */
export const namespaceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/n/$namespace',
  component: NamespacePages,
  notFoundComponent: NotFound,
})

function NamespacePages(): ReactNode {
  const { namespace } = namespaceRoute.useParams()
  return (
    <StreamProvider namespace={namespace}>
      <Shell />
    </StreamProvider>
  )
}
