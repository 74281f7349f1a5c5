import { CarillonError, type Graph, graphOf, type Workflow } from '@carillon/contracts'
import type { RunRecord, Store } from '@carillon/store'
import { LRUCache } from 'lru-cache'

/** Limit of the texts of cached graphs; a graph takes about ten times the memory of its text. */
const CACHED_GRAPH_BYTES = 4 * 1024 * 1024
/** Limit of what is cached of runs: their payloads. */
const CACHED_RUN_BYTES = 4 * 1024 * 1024
/** What a run takes besides its payload: its id, and its place in the cache. */
const RUN_BYTES = 512

/** What a run of a workflow was requested with; it never changes. */
export interface WorkflowInput {
  readonly graph: Graph
  readonly workflow: Workflow
  /** JSON text. */
  readonly payload: string
  /** What it has begun with: the context of the run that it is within. */
  readonly context: Readonly<Record<string, unknown>>
}

type Parsed = Omit<WorkflowInput, 'payload'>

/** Graphs and payloads of runs, from memory where they were read recently. Runs that were requested with the same definition share one graph. */
export class WorkflowInputs {
  readonly #store: Store
  readonly #runs = new LRUCache<string, WorkflowInput>({ maxSize: CACHED_RUN_BYTES })
  /** By the text of the graph. */
  readonly #graphs = new LRUCache<string, Parsed>({ maxSize: CACHED_GRAPH_BYTES })

  constructor(store: Store) {
    this.#store = store
  }

  /** @throws CarillonError INTERNAL of a run without a graph */
  async of(runId: string): Promise<WorkflowInput> {
    const known = this.#runs.get(runId)
    if (known) return known
    const [run] = await this.#store.runs.get([runId])
    const payload = run?.payload ?? 'null'
    const input = { ...this.#parsed(run), payload }
    this.#runs.set(runId, input, { size: payload.length + RUN_BYTES })
    return input
  }

  #parsed(run: RunRecord | undefined): Parsed {
    const text = run?.graph ?? ''
    const parsed = this.#graphs.get(text) ?? parse(run)
    this.#graphs.set(text, parsed, { size: text.length })
    return parsed
  }
}

function whyWrong(graph: ReturnType<typeof graphOf> | undefined): string {
  const [first] = graph && 'problems' in graph ? graph.problems : []
  return first ? `: ${first.field}: ${first.problem}` : ''
}

/** @throws CarillonError INTERNAL of a run without a graph */
export const inputOf = (run: RunRecord | undefined): WorkflowInput => ({ ...parse(run), payload: run?.payload ?? 'null' })

function parse(run: RunRecord | undefined): Parsed {
  const workflow = run?.graph == null ? undefined : (JSON.parse(run.graph) as Workflow & Pick<Partial<WorkflowInput>, 'context'>)
  const graph = workflow && graphOf(workflow)
  if (!workflow || !graph || 'problems' in graph)
    throw new CarillonError('INTERNAL', `run ${run?.id} has no graph that can be read${whyWrong(graph)}`, { field: 'graph' })
  return { graph, workflow, context: workflow.context ?? {} }
}
