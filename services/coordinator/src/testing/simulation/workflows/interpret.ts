import type { Workflow, WorkflowNode } from '@carillon/contracts'
import type { Condition, Judged, View } from './conditions.ts'

/** What happens outside of the graph: how nodes end, and what they return. */
export interface Script {
  readonly payload: Readonly<Record<string, unknown>>
  readonly conditions: ReadonlyMap<string, Condition>
  readonly values: ReadonlyMap<string, Judged<unknown>>
  /** How a node of a handler ends, after all its attempts, and one that waits for others: whether they came in time is judged apart. */
  endOf(id: string): 'succeeded' | 'failed' | 'timed_out'
  resultOf(id: string): unknown
  /** What it gives to the context, if it succeeds. */
  additionOf(id: string): Readonly<Record<string, unknown>>
  /** What an operator has said about a node. */
  byHand(id: string): 'skipped' | 'succeeded' | undefined
  /** It had begun before an operator changed a node before it that was not needed: what would become of it since then does not count. */
  hadBegun?(id: string): boolean
  /** What is given from the outside at first. */
  readonly context?: Readonly<Record<string, unknown>>
  /** Of a node that is a workflow itself: what must become of that; undefined of all others. */
  within?(id: string, given: Given): Interpretation | undefined
  /** When it ended: this alone is taken from what happened, and decides between nodes of which none leads to the other. */
  endedAt(id: string): number
}

/** What a node was given. */
interface Given {
  readonly payload: unknown
  readonly context: Readonly<Record<string, unknown>>
}

/** What has become of a node. */
export type Fate =
  | { readonly is: 'passed' | 'not-needed' | 'blocked' }
  | {
      readonly is: 'ran'
      readonly state: 'succeeded' | 'failed' | 'timed_out'
      /** Of a decision: the branch that it took, if it took one. */
      readonly branch?: number
      /** Of a handler: what it was given. Undefined: its payload could not be made, so it was never given to an instance. */
      readonly given?: Given
      /** Of a node that is a workflow: what must have become of that. */
      readonly inner?: Interpretation
    }

export interface Interpretation {
  readonly fates: ReadonlyMap<string, Fate>
  readonly ancestors: ReadonlyMap<string, ReadonlySet<string>>
  readonly state: 'succeeded' | 'failed'
  readonly reason: 'completed' | 'nothing-to-do' | 'tasks-failed'
  /** The keys that its nodes have set: those that a workflow within another one gives back. */
  readonly added: Readonly<Record<string, unknown>>
}

/** An edge into a node. Without branches it is a plain one. */
interface InEdge {
  readonly from: string
  readonly branches: readonly number[] | undefined
}

/**
 * What must become of every node of a workflow that nobody cancels and that goes on after failures, by the rules of docs/adr/0015-workflows.md. It is written from
 * the rules, and shares nothing with the planner.
 */
export function interpret(workflow: Workflow, script: Script): Interpretation {
  return new Interpreter(workflow, script).all()
}

const namesOf = (names: string | readonly string[] | undefined) => (names === undefined ? [] : typeof names === 'string' ? [names] : names)

class Interpreter {
  readonly #nodes: ReadonlyMap<string, WorkflowNode>
  readonly #places: ReadonlyMap<string, number>
  readonly #script: Script
  readonly #fates = new Map<string, Fate>()
  readonly #ancestors = new Map<string, Set<string>>()

  constructor(workflow: Workflow, script: Script) {
    this.#nodes = new Map(workflow.nodes.map((node) => [node.id, node]))
    this.#places = new Map(workflow.nodes.map(({ id }, place) => [id, place]))
    this.#script = script
  }

  all(): Interpretation {
    for (const id of this.#nodes.keys()) this.#fateOf(id)
    const ids = [...this.#nodes.keys()]
    const isFollowed = new Set(ids.flatMap((id) => this.#into(id).map(({ from }) => from)))
    const leaves = ids.filter((id) => !isFollowed.has(id))
    for (const id of ids) this.#before(id)
    const given = { fates: this.#fates, ancestors: this.#ancestors, added: this.#addedBy(ids) }
    if (leaves.some((id) => this.#blocks(id))) return { ...given, state: 'failed', reason: 'tasks-failed' }
    const isNothing = ids.every((id) => this.#fateOf(id).is !== 'ran')
    return { ...given, state: 'succeeded', reason: isNothing ? 'nothing-to-do' : 'completed' }
  }

  /** `after: d` of a node that d also names is that branch. */
  #into(id: string): InEdge[] {
    const sources = new Set(namesOf(this.#nodes.get(id)?.after))
    for (const [other, node] of this.#nodes) if (branchesTo(node, id).length > 0) sources.add(other)
    return [...sources].map((from) => {
      const branches = branchesTo(this.#nodes.get(from) as WorkflowNode, id)
      return { from, branches: branches.length > 0 ? branches : undefined }
    })
  }

  #before(id: string): Set<string> {
    const known = this.#ancestors.get(id)
    if (known) return known
    const found = new Set<string>()
    for (const { from } of this.#into(id)) {
      found.add(from)
      for (const earlier of this.#before(from)) found.add(earlier)
    }
    this.#ancestors.set(id, found)
    return found
  }

  #fateOf(id: string): Fate {
    const known = this.#fates.get(id)
    if (known) return known
    const node = this.#nodes.get(id) as WorkflowNode
    const edges = this.#into(id).map((edge) => this.#stateOf(edge))
    const byHand = this.#script.byHand(id)
    let fate: Fate
    if (byHand === 'skipped') fate = { is: 'passed' }
    else if (byHand === 'succeeded') fate = { is: 'ran', state: 'succeeded' }
    else if (this.#script.hadBegun?.(id)) fate = this.#run(node)
    else if (edges.includes('blocked')) fate = { is: 'blocked' }
    else if (edges.length > 0 && !edges.includes('taken')) fate = { is: 'not-needed' }
    else fate = node.disabled ? { is: 'passed' } : this.#run(node)
    this.#fates.set(id, fate)
    return fate
  }

  #stateOf({ from, branches }: InEdge): 'taken' | 'dead' | 'blocked' {
    const source = this.#fateOf(from)
    if (this.#blocks(from)) return 'blocked'
    if (source.is === 'not-needed') return 'dead'
    if (source.is !== 'ran' || branches === undefined) return 'taken'
    // A decision that failed took no branch, and a failure that is skipped takes none either.
    return source.branch !== undefined && branches.includes(source.branch) ? 'taken' : 'dead'
  }

  #blocks(id: string): boolean {
    const fate = this.#fateOf(id)
    if (fate.is === 'blocked') return true
    return fate.is === 'ran' && fate.state !== 'succeeded' && this.#nodes.get(id)?.onFailure !== 'skip'
  }

  #run(node: WorkflowNode): Fate {
    if ('wait' in node) return { is: 'ran', state: isForOthers(node.wait) ? this.#script.endOf(node.id) : 'succeeded' }
    const view = this.#viewOf(node.id)
    if ('decision' in node) {
      const branch = this.#decide(node.decision, view)
      return branch === undefined ? { is: 'ran', state: 'failed' } : { is: 'ran', state: 'succeeded', branch }
    }
    if ('publish' in node) return { is: 'ran', state: 'succeeded' }
    if ('http' in node) return { is: 'ran', state: this.#script.endOf(node.id) }
    const payload = node.payload === undefined ? this.#script.payload : this.#script.values.get(node.payload)?.of(view)
    if (payload === undefined) return { is: 'ran', state: 'failed' }
    const given = { payload, context: view.context }
    const inner = this.#script.within?.(node.id, given)
    return { is: 'ran', state: inner?.state ?? this.#script.endOf(node.id), given, ...(inner ? { inner } : {}) }
  }

  /** The first that is true; one that fails before it fails the decision. */
  #decide(branches: readonly object[], view: View): number | undefined {
    for (const [i, branch] of branches.entries()) {
      if (!('when' in branch)) continue
      const holds = this.#script.conditions.get(branch.when as string)?.of(view)
      if (holds === undefined) return undefined
      if (holds) return i
    }
    return branches.findIndex((branch) => 'otherwise' in branch)
  }

  #viewOf(id: string): View {
    const before = [...this.#before(id)]
    const nodes = before.map((ancestor) => {
      const fate = this.#fateOf(ancestor)
      const node = this.#nodes.get(ancestor) as WorkflowNode
      const isByOthers =
        'wait' in node ? isForOthers(node.wait) : ('handler' in node || 'job' in node) && fate.is === 'ran' && fate.given !== undefined
      const result = isByOthers && fate.is === 'ran' && fate.state === 'succeeded' ? this.#script.resultOf(ancestor) : null
      return [ancestor, { state: fate.is === 'ran' ? fate.state : 'not_needed', result }] as const
    })
    return { payload: this.#script.payload, context: this.#contextOf(before), nodes: Object.fromEntries(nodes) }
  }

  #contextOf(before: readonly string[]): Record<string, unknown> {
    return { ...this.#script.context, ...this.#addedBy(before) }
  }

  #additionOf(id: string): Readonly<Record<string, unknown>> {
    const fate = this.#fateOf(id)
    return (fate.is === 'ran' ? fate.inner?.added : undefined) ?? this.#script.additionOf(id)
  }

  #addedBy(before: readonly string[]): Record<string, unknown> {
    const writers = before.filter((id) => {
      const fate = this.#fateOf(id)
      return fate.is === 'ran' && fate.given !== undefined && fate.state === 'succeeded'
    })
    const keys = new Set(writers.flatMap((id) => Object.keys(this.#additionOf(id))))
    const context: Record<string, unknown> = {}
    for (const key of keys) {
      const having = writers.filter((id) => key in this.#additionOf(id))
      const last = having.find((id) => having.every((other) => other === id || this.#beats(id, other)))
      context[key] = last === undefined ? 'no node is the last' : this.#additionOf(last)[key]
    }
    return context
  }

  /** A descendant beats its ancestors; else the one that ended later, then the one with the later id of its task. */
  #beats(id: string, other: string): boolean {
    if (this.#before(id).has(other)) return true
    if (this.#before(other).has(id)) return false
    const [mine, its] = [this.#script.endedAt(id), this.#script.endedAt(other)]
    return mine > its || (mine === its && (this.#places.get(id) ?? 0) > (this.#places.get(other) ?? 0))
  }
}

const isForOthers = (wait: object) => 'signal' in wait || 'approval' in wait

/** The branches of a node that lead to another one. */
function branchesTo(node: WorkflowNode, id: string): number[] {
  if (!('decision' in node)) return []
  return node.decision.flatMap((branch, i) => (namesOf('otherwise' in branch ? branch.otherwise : branch.to).includes(id) ? [i] : []))
}
