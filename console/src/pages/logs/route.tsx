import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { namespaceRoute } from '../../routes/root-route.tsx'

export const logsRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'logs',
  component: lazyRouteComponent(() => import('./logs-page.tsx'), 'LogsPage'),
})
