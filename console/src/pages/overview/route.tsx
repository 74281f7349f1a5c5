import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { namespaceRoute } from '../../routes/root-route.tsx'
import { readOverviewSearch } from './overview-search.ts'

export const overviewRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'overview',
  validateSearch: readOverviewSearch,
  component: lazyRouteComponent(() => import('./overview-page.tsx'), 'OverviewPage'),
})
