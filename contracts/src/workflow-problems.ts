import type { ErrorProblem } from './errors.ts'
import { problemsIn } from './fields.ts'
import { type Workflow, workflowSchema } from './workflow.ts'
import { graphOf } from './workflow-graph.ts'

/**
 * All that is wrong with a workflow and can be found without a service, which also checks expressions. Names of nodes are checked when each node is right.
 * @param field its path, such as `workflow`
 */
export function workflowProblems(workflow: unknown, field = 'workflow'): ErrorProblem[] {
  const problems = problemsIn(workflowSchema, workflow, field).map(({ message, details }): ErrorProblem => {
    const path = details.field === field ? field : `${field}.${details.field}`
    return { field: path, value: details.value ?? '', problem: problemOf(message), hint: details.hint ?? '' }
  })
  if (problems.length > 0) return problems
  const graph = graphOf(workflow as Workflow)
  return 'problems' in graph ? graph.problems.map((problem) => ({ ...problem, field: `${field}.${problem.field}` })) : []
}

/** The value stands beside it. */
const problemOf = (message: string) =>
  message.endsWith(' is wrong: undefined') ? 'it is missing' : message.replace(/^.* is wrong: .*$/s, 'it is wrong')
