import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { namespaceRoute } from '../../routes/root-route.tsx'

export const overviewRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'overview',
  component: lazyRouteComponent(() => import('./overview-page.tsx'), 'OverviewPage'),
})
