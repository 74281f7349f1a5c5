import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { namespaceRoute } from '../../routes/root-route.tsx'
import { readRunSearch } from './run-search.ts'

export const runRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'runs/$runId',
  validateSearch: readRunSearch,
  component: lazyRouteComponent(() => import('./run-page.tsx'), 'RunPage'),
})
