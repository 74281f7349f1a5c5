import { CarillonError, type Graph, graphOf, type Workflow } from '@carillon/contracts'
import type { RunRecord, Store } from '@carillon/store'
import { LRUCache } from 'lru-cache'

/** Limit of the texts of cached graphs; a graph takes about ten times the memory of its text. */
const CACHED_TEXT_BYTES = 4 * 1024 * 1024

/** What a run of a workflow was requested with; it never changes. */
export interface WorkflowInput {
  readonly graph: Graph
  readonly workflow: Workflow
  /** JSON text. */
  readonly payload: string
  /** What it has begun with: the context of the run that it is within. */
  readonly context: Readonly<Record<string, unknown>>
}

/** Graphs and payloads of runs, from memory where they were read recently. */
export class WorkflowInputs {
  readonly #store: Store
  readonly #known = new LRUCache<string, WorkflowInput>({ maxSize: CACHED_TEXT_BYTES })

  constructor(store: Store) {
    this.#store = store
  }

  /** @throws CarillonError INTERNAL of a run without a graph */
  async of(runId: string): Promise<WorkflowInput> {
    const known = this.#known.get(runId)
    if (known) return known
    const [run] = await this.#store.runs.get([runId])
    const input = inputOf(run)
    this.#known.set(runId, input, { size: input.payload.length + (run?.graph?.length ?? 0) + 1 })
    return input
  }
}

function whyWrong(graph: ReturnType<typeof graphOf> | undefined): string {
  const [first] = graph && 'problems' in graph ? graph.problems : []
  return first ? `: ${first.field}: ${first.problem}` : ''
}

/** @throws CarillonError INTERNAL of a run without a graph */
export function inputOf(run: RunRecord | undefined): WorkflowInput {
  const workflow = run?.graph == null ? undefined : (JSON.parse(run.graph) as Workflow & Pick<Partial<WorkflowInput>, 'context'>)
  const graph = workflow && graphOf(workflow)
  if (!workflow || !graph || 'problems' in graph)
    throw new CarillonError('INTERNAL', `run ${run?.id} has no graph that can be read${whyWrong(graph)}`, { field: 'graph' })
  return { graph, workflow, payload: run?.payload ?? 'null', context: workflow.context ?? {} }
}
