import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { namespaceRoute } from '../../routes/root-route.tsx'

export const deadLettersRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'dead-letters',
  component: lazyRouteComponent(() => import('./dead-letters-page.tsx'), 'DeadLettersPage'),
})
