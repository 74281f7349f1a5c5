import type { Store } from '@carillon/store'
import type { Mode } from '../mode.ts'
import { WorkflowInputs } from './graphs.ts'
import { planWorkflow, type WorkflowFacts } from './plan.ts'
import { readWorkflowFacts } from './read-facts.ts'
import { retryOfWorkflow } from './retry.ts'
import { newNodeExpressions } from './rules/node-expressions.ts'
import { readWorkflowTree } from './tree.ts'

/** Workflows. What is read of graphs and expressions is kept in memory. */
export function workflowMode(store: Store): Mode {
  const inputs = new WorkflowInputs(store)
  const expressions = newNodeExpressions()
  return {
    readFacts: (run, { now }): Promise<WorkflowFacts> => readWorkflowFacts(run, { store, inputs, expressions, now: now() }),
    plan: planWorkflow,
    retry: (run, request) => retryOfWorkflow(run, request, { store, inputs }),
    tree: (run) => readWorkflowTree(run, { store, inputs }),
  }
}
