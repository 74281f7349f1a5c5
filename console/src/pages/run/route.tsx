import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { namespaceRoute } from '../../routes/root-route.tsx'

export const runRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'runs/$runId',
  component: lazyRouteComponent(() => import('./run-page.tsx'), 'RunPage'),
})
