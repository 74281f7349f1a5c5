import { type AuditOrigin, type CALLS, type CallRequest, CarillonError, isEnded, type NodeDecided, printable } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { Store, TaskHead } from '@carillon/store'
import type { Tasks } from '../../ports.ts'
import type { RunRestarts } from '../../runs/rules/restarts.ts'
import { decideApproval } from '../../runs/rules/waits-of-nodes.ts'
import { againHint, type FoundNode, NodeFinder, type NodeOf, wrongNode } from './find-node.ts'
import { checkApprover } from './rules/approvers.ts'

type Decided = NodeDecided['decision']
type DecideRequest = CallRequest<typeof CALLS.runsApprove>

/** Who makes a call about a node. */
export interface Caller {
  /** As that party names itself. */
  readonly by?: string | undefined
  /** What a gateway says of them; undefined: they came through none. */
  readonly origin?: AuditOrigin | undefined
}

/** Approves and rejects nodes that wait for it. One write of the node's task decides, also between several people, the time limit and a cancel. */
export class DecideApprovals {
  readonly #tasks: Tasks
  readonly #clock: Clock
  readonly #finder: NodeFinder

  constructor(options: { store: Store; tasks: Tasks; restarts: RunRestarts; clock: Clock }) {
    this.#tasks = options.tasks
    this.#clock = options.clock
    this.#finder = new NodeFinder(options)
  }

  /**
   * The same decision once more answers who made it, and changes nothing.
   * @throws CarillonError RUN_NOT_FOUND, INVALID_REQUEST; FORBIDDEN without a role that the node names; DECIDED_OTHERWISE, also of an earlier generation of the node
   */
  async decide(namespace: string, request: DecideRequest & { readonly decision: Decided }, { by, origin }: Caller): Promise<NodeDecided> {
    const found = await this.#finder.find(namespace, request)
    const { node, generation, task, run } = found
    if (!('wait' in node && 'approval' in node.wait)) throw wrongNode(request, 'it is no approval', 'Name a node that waits for one.')
    checkApprover(node, origin)
    if (request.generation !== undefined && request.generation > generation) throw notBegun(request.generation, generation)
    if (request.generation !== undefined && request.generation < generation)
      throw otherwise(request, `its generation ${request.generation} is history: it was run again, and is at ${generation}`)
    if (!task && isEnded(run.state)) throw wrongNode(request, `it has not begun, and its run is ${run.state}`, againHint(request))
    if (!task)
      throw wrongNode(request, 'it has not begun', 'Wait until it waits for an approval: `carillon runs tree` shows what comes before it.')
    if (task.state !== 'delayed') return answerOf(found, task, { ...request, already: true })
    const decision = decideApproval(task, { ...request, by }, { now: this.#clock.now() })
    const [outcome] = await this.#tasks.write([{ task, run, decision }])
    if (outcome === 'applied') return answerOf(found, { ...task, ...decision.set }, { ...request, already: false })
    // Someone else was first, or its time limit.
    return answerOf(found, (await this.#finder.find(namespace, request)).task ?? task, { ...request, already: true })
  }
}

/** @throws CarillonError DECIDED_OTHERWISE */
function answerOf(
  { run, generation }: FoundNode,
  task: TaskHead,
  { already, ...request }: NodeOf & { readonly decision: Decided; readonly already: boolean },
): NodeDecided {
  const { decision, by, note } = task.node ?? {}
  if (decision !== request.decision) {
    const at = task.endedAt === null ? '' : ` ${new Date(task.endedAt).toISOString()}`
    throw otherwise(request, decision ? `${by ?? 'someone'} has ${decision} it${at}` : `it is ${task.state} (${task.reason})`)
  }
  const who = { ...(by === undefined ? {} : { by }), ...(note === undefined ? {} : { note }) }
  return { runId: run.id, node: request.node, generation, decision, ...who, at: new Date(task.endedAt ?? 0).toISOString(), already }
}

const otherwise = ({ node }: NodeOf, why: string) =>
  new CarillonError('DECIDED_OTHERWISE', `node ${printable(node)}: ${why}`, { field: 'node', value: printable(node) })

const notBegun = (given: number, current: number) =>
  new CarillonError('INVALID_REQUEST', `generation is wrong: ${given}`, {
    field: 'generation',
    value: String(given),
    hint: `The node is at its generation ${current}: give none, or one up to that.`,
  })
