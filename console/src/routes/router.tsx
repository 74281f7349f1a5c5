import type { QueryClient } from '@tanstack/react-query'
import { createRouter } from '@tanstack/react-router'
import { asProblem } from '../api/problem.ts'
import { alertsRoute } from '../pages/alerts/route.tsx'
import { calendarsRoute } from '../pages/calendars/route.tsx'
import { deadLettersRoute } from '../pages/dead-letters/route.tsx'
import { executorsRoute } from '../pages/executors/route.tsx'
import { jobRoute, newJobRoute } from '../pages/job/route.tsx'
import { jobsRoute } from '../pages/jobs/route.tsx'
import { logsRoute } from '../pages/logs/route.tsx'
import { overviewRoute } from '../pages/overview/route.tsx'
import { runRoute } from '../pages/run/route.tsx'
import { runsRoute } from '../pages/runs/route.tsx'
import { settingsRoute } from '../pages/settings/route.tsx'
import { newWorkflowRoute, workflowRoute } from '../pages/workflow/route.tsx'
import { ErrorState, LoadingState } from '../parts/states.tsx'
import { parseSearch, writeSearch } from '../url/search.ts'
import { namespaceRoute, rootRoute, startRoute } from './root-route.tsx'

const routeTree = rootRoute.addChildren([
  startRoute,
  namespaceRoute.addChildren([
    overviewRoute,
    runsRoute,
    runRoute,
    jobsRoute,
    jobRoute,
    newJobRoute,
    logsRoute,
    executorsRoute,
    deadLettersRoute,
    calendarsRoute,
    workflowRoute,
    newWorkflowRoute,
    settingsRoute,
    alertsRoute,
  ]),
])

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
