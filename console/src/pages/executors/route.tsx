import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { namespaceRoute } from '../../routes/root-route.tsx'

export const executorsRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'executors',
  component: lazyRouteComponent(() => import('./executors-page.tsx'), 'ExecutorsPage'),
})
