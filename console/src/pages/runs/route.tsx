import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { namespaceRoute } from '../../routes/root-route.tsx'

export const runsRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'runs',
  component: lazyRouteComponent(() => import('./runs-page.tsx'), 'RunsPage'),
})
