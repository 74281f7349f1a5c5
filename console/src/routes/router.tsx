import type { QueryClient } from '@tanstack/react-query'
import { createRouter } from '@tanstack/react-router'
import { asProblem } from '../api/problem.ts'
import { overviewRoute } from '../pages/overview/route.tsx'
import { runRoute } from '../pages/run/route.tsx'
import { runsRoute } from '../pages/runs/route.tsx'
import { ErrorState, LoadingState } from '../parts/states.tsx'
import { parseSearch, writeSearch } from '../url/search.ts'
import { namespaceRoute, rootRoute, startRoute } from './root-route.tsx'

const routeTree = rootRoute.addChildren([startRoute, namespaceRoute.addChildren([overviewRoute, runsRoute, runRoute])])

export function createConsoleRouter(queries: QueryClient) {
  return createRouter({
    routeTree,
    context: { queries },
    parseSearch,
    stringifySearch: writeSearch,
    defaultPreload: 'intent',
    defaultPendingComponent: LoadingState,
    defaultErrorComponent: ({ error, reset }) => <ErrorState error={asProblem(error)} onRetry={reset} />,
    scrollRestoration: true,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>
  }
}
