import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { namespaceRoute } from '../../routes/root-route.tsx'
import { readRunsSearch } from './runs-search.ts'

export const runsRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'runs',
  validateSearch: readRunsSearch,
  component: lazyRouteComponent(() => import('./runs-page.tsx'), 'RunsPage'),
})
