import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { namespaceRoute } from '../../routes/root-route.tsx'

export const workflowRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'workflows/$name',
  component: lazyRouteComponent(() => import('./workflow-page.tsx'), 'WorkflowPage'),
})

/** Beside the workflows: one may be called `new`. */
export const newWorkflowRoute = createRoute({
  getParentRoute: () => namespaceRoute,
  path: 'new-workflow',
  component: lazyRouteComponent(() => import('./workflow-page.tsx'), 'NewWorkflowPage'),
})
