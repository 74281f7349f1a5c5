import { CarillonError, countText, isEnded, LIMITS } from '@carillon/contracts'
import type { Store, TaskHead, TaskRecord } from '@carillon/store'
import type { WorkflowInput } from './graphs.ts'
import { type Addition, mergeContext } from './rules/context.ts'
import type { NodeVariables } from './rules/prepare-node.ts'

/** The nodes whose results are read, and those whose additions to the context are. */
export interface Read {
  readonly named: readonly number[]
  readonly before: ReadonlySet<number>
}

type Kept = Pick<TaskRecord, 'state' | 'result' | 'context' | 'endedAt'>

/** Tasks that are read at once: few while they are large, because each may have a result, a context and items. */
const [FEWEST, MOST] = [8, 512]
/** Read more tasks at once after so few bytes, and as few as possible after more. */
const SMALL_BYTES = 512 * 1024

/**
 * Reads results and contexts of ended nodes for the expressions of others: only those that are named, and those that have added to the context. What it has read stays for
 * the nodes after that.
 */
export class VariablesReader {
  readonly #store: Store
  readonly #input: WorkflowInput
  readonly #tasks: ReadonlyMap<number, TaskHead>
  readonly #payload: unknown
  readonly #kept = new Map<number, Kept>()
  #bytes = 0
  #atOnce = FEWEST

  constructor(store: Store, input: WorkflowInput, tasks: ReadonlyMap<number, TaskHead>) {
    this.#store = store
    this.#input = input
    this.#tasks = tasks
    this.#payload = JSON.parse(input.payload)
  }

  /** It has read and parsed so much that others are to have their turn: further nodes start in the next pass. */
  get isFull(): boolean {
    return this.#bytes > LIMITS.nodeReadBytes
  }

  /** Reads together what several nodes read, while it is little. */
  async prefetch(reads: readonly Read[]): Promise<void> {
    await this.#load(
      reads.flatMap((read) => this.#placesOf(read)),
      () => this.isFull,
    )
  }

  /** @throws CarillonError EXPRESSION_FAILED, CONTEXT_TOO_LARGE where it reads too much */
  async variablesOf(read: Read): Promise<NodeVariables> {
    const { graph, context } = this.#input
    const refusal = refusalOfAdditions(this.#addedBy(read).map((place) => this.#tasks.get(place)))
    if (refusal) throw refusal
    await this.#load(this.#placesOf(read), () => this.#bytesOf(read) > LIMITS.nodeReadBytes)
    const bytes = this.#bytesOf(read)
    this.#bytes += bytes
    if (bytes > LIMITS.nodeReadBytes) throw tooMuch(read)
    const nodes = read.named.map((place) => {
      const task = this.#kept.get(place)
      const state = task && isEnded(task.state) ? task.state : 'not_needed'
      return [
        graph.nodes[place]?.id as string,
        { state, result: task?.result == null ? null : (JSON.parse(task.result) as unknown) },
      ] as const
    })
    const additions = this.#addedBy(read).flatMap((place): Addition[] => {
      const task = this.#kept.get(place)
      return task?.context == null ? [] : [{ place, endedAt: task.endedAt ?? 0, context: task.context }]
    })
    return { payload: this.#payload, context: mergeContext(graph, additions, context), nodes: Object.fromEntries(nodes) }
  }

  #addedBy = ({ before }: Read) => [...before].filter((place) => this.#tasks.get(place)?.contextBytes != null)

  #placesOf = (read: Read) => [...read.named, ...this.#addedBy(read)]

  #bytesOf(read: Read): number {
    const results = read.named.reduce((sum, place) => sum + (this.#kept.get(place)?.result?.length ?? 0), 0)
    return this.#addedBy(read).reduce((sum, place) => sum + (this.#tasks.get(place)?.contextBytes ?? 0), results)
  }

  async #load(places: readonly number[], isEnough: () => boolean): Promise<void> {
    const left = [...new Set(places)].filter((place) => this.#tasks.has(place) && !this.#kept.has(place))
    while (left.length > 0 && !isEnough()) {
      const next = left.splice(0, this.#atOnce)
      const found = await this.#store.tasks.get(next.map((place) => this.#tasks.get(place)?.id as string))
      let bytes = 0
      for (const [i, place] of next.entries()) {
        const { state = 'cancelled', result = null, context = null, endedAt = null, item } = found[i] ?? {}
        this.#kept.set(place, { state, result, context, endedAt })
        this.#bytes += (result?.length ?? 0) + (context?.length ?? 0)
        bytes += (result?.length ?? 0) + (context?.length ?? 0) + (item?.length ?? 0)
      }
      this.#atOnce = bytes > SMALL_BYTES ? FEWEST : Math.min(MOST, this.#atOnce * 2)
    }
  }
}

/** Why what these have set is not read; undefined: it is little enough. */
export function refusalOfAdditions(tasks: readonly (TaskHead | undefined)[]): CarillonError | undefined {
  const bytes = tasks.reduce((sum, task) => sum + (task?.contextBytes ?? 0), 0)
  if (bytes <= LIMITS.nodeReadBytes) return undefined
  const message = `${countText(tasks.length)} nodes have set ${countText(bytes)} bytes of context in all, which have to be read for what comes behind them; the limit is ${countText(LIMITS.nodeReadBytes)}`
  return new CarillonError('CONTEXT_TOO_LARGE', message, { field: 'context', value: `${bytes} bytes` })
}

function tooMuch({ named }: Read): CarillonError {
  const message = `the results of the ${countText(named.length)} nodes that its expressions read have more than ${countText(LIMITS.nodeReadBytes)} bytes`
  const hint =
    'Read fewer of them: name each node that is needed, as in nodes.reserve.result, instead of all nodes; or let nodes return references.'
  return new CarillonError('EXPRESSION_FAILED', message, { field: 'nodes', value: `${named.length} nodes`, hint })
}
