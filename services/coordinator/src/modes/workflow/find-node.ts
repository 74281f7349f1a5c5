import { CarillonError, nodesHint, nodeTaskId, printable, type WorkflowNode } from '@carillon/contracts'
import type { RunHead, Store, TaskHead } from '@carillon/store'
import { noWorkflow } from '../../runs/rules/no-workflow.ts'
import type { RunRestarts } from '../../runs/rules/restarts.ts'
import { inputOf } from './graphs.ts'
import { generationOf } from './rules/generations.ts'

/** A node of a run, as someone names it. */
export interface NodeOf {
  readonly runId: string
  readonly node: string
}

export interface FoundNode {
  readonly run: RunHead
  readonly node: WorkflowNode
  readonly place: number
  readonly generation: number
  readonly total: number
  /** Undefined: it has not begun. */
  readonly task: TaskHead | undefined
}

/** Finds nodes in their current generation. */
export class NodeFinder {
  readonly #store: Store
  readonly #restarts: Pick<RunRestarts, 'head'>

  constructor(options: { store: Store; restarts: Pick<RunRestarts, 'head'> }) {
    this.#store = options.store
    this.#restarts = options.restarts
  }

  /** @throws CarillonError RUN_NOT_FOUND, INVALID_REQUEST */
  async find(namespace: string, at: NodeOf): Promise<FoundNode> {
    const run = await this.#restarts.head(namespace, at.runId)
    if (run.mode !== 'workflow') throw noWorkflow(run, 'runId', run.id)
    const [whole] = await this.#store.runs.get([run.id])
    const { graph } = inputOf(whole)
    const place = graph.nodes.findIndex(({ id }) => id === at.node)
    const node = graph.nodes[place]
    if (!node) throw wrongNode(at, 'the workflow of the run has no such node', nodesHint(graph.nodes))
    const generation = generationOf(run, place)
    const [task] = await this.#store.tasks.heads([nodeTaskId(run.id, place, generation)])
    return { run, node, place, generation, total: graph.nodes.length, task }
  }
}

export function wrongNode({ runId, node }: NodeOf, why: string, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `node ${printable(node)} of run ${printable(runId)}: ${why}`, {
    field: 'node',
    value: printable(node),
    hint,
  })
}

export const againHint = ({ runId, node }: NodeOf) => `Run it again: \`carillon runs retry ${runId} --node ${node}\`.`
