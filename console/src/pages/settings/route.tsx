import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { namespaceRoute } from '../../routes/root-route.tsx'

export const settingsRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'settings',
  component: lazyRouteComponent(() => import('./settings-page.tsx'), 'SettingsPage'),
})
