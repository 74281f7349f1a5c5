import type { RunHead, Store } from '@carillon/store'
import type { Approvers } from '../../signal-ports.ts'
import { WorkflowInputs } from './graphs.ts'
import { refuseSignal } from './rules/approvers.ts'

/** The roles that the nodes of runs need, from memory where the graph was read recently: a run may get many signals. */
export class ReadApprovers implements Approvers {
  readonly #inputs: WorkflowInputs

  constructor({ store }: { readonly store: Store }) {
    this.#inputs = new WorkflowInputs(store)
  }

  async checkSignal({ id, mode }: RunHead, name: string): Promise<void> {
    if (mode !== 'workflow') return
    const { graph } = await this.#inputs.of(id)
    refuseSignal(graph.nodes.find((node) => node.id === name))
  }
}
