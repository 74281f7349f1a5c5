import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { namespaceRoute } from '../../routes/root-route.tsx'

export const jobRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'jobs/$name',
  component: lazyRouteComponent(() => import('./job-page.tsx'), 'JobPage'),
})

/** Beside the jobs: one may be called `new`. */
export const newJobRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'new-job',
  component: lazyRouteComponent(() => import('./new-job-page.tsx'), 'NewJobPage'),
})
