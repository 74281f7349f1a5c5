import type { RunHead, Store } from '@carillon/store'
import type { Approvers } from '../../signal-ports.ts'
import { WorkflowInputs } from './graphs.ts'
import { approversOf } from './rules/approvers.ts'

/** The roles that the nodes of runs need, from memory where the graph was read recently: a run may get many signals. */
export class ReadApprovers implements Approvers {
  readonly #inputs: WorkflowInputs

  constructor({ store }: { readonly store: Store }) {
    this.#inputs = new WorkflowInputs(store)
  }

  async of({ id, mode }: RunHead, name: string): Promise<readonly string[] | undefined> {
    if (mode !== 'workflow') return undefined
    const { graph } = await this.#inputs.of(id)
    return approversOf(graph.nodes.find((node) => node.id === name))
  }
}
