import {
  CarillonError,
  type HandlerKind,
  LIMITS,
  printable,
  type RunMode,
  type StartRun,
  type Tolerance,
  type Workflow,
  writeJson,
} from '@carillon/contracts'
import type { JobRecord, Plan } from '@carillon/store'

type PlanRequest = Pick<StartRun, 'mode' | 'shards' | 'items' | 'maxParallel' | 'tolerate'> & { readonly workflow?: Workflow | undefined }
export type Planned = Pick<JobRecord, 'mode' | 'plan' | 'items' | 'graph'>

/**
 * The plan that a request declares; what it leaves open comes from the job.
 * @throws CarillonError INVALID_REQUEST of fields that contradict each other, PAYLOAD_TOO_LARGE of the items
 */
export function planOf(request: PlanRequest, from: { job?: Planned | undefined; kind?: HandlerKind | undefined } = {}): Planned {
  const { job, kind } = from
  const graph = request.workflow ? graphText(request.workflow) : (job?.graph ?? null)
  if (graph !== null) return workflowOf(request, graph)
  const { shards, items } = request
  if (shards !== undefined && items !== undefined) throw contradiction('items', items, 'Give either shards or items.')
  const asked = modeOf(request.mode ?? job?.mode ?? 'single', kind)
  const isReduced = asked === 'map-reduce' && items === undefined
  const isSharded = (shards !== undefined && !isReduced) || items !== undefined
  if (isSharded && request.mode !== undefined) throw contradiction('mode', request.mode, 'Leave mode out where shards or items are given.')
  const mode = isSharded ? 'shards' : asked
  if (mode === 'single') {
    for (const field of ['maxParallel', 'tolerate'] as const)
      if (request[field] !== undefined) throw contradiction(field, request[field], 'Only fan-out runs have it: give shards or items.')
    return { mode, plan: null, items: null, graph: null }
  }
  const inherited = job?.mode === mode ? { ...job.plan, items: job.items } : { items: null }
  const maxParallel = request.maxParallel ?? inherited.maxParallel
  const tolerate = request.tolerate ?? inherited.tolerate
  const own = isSharded ? shardsOf(request) : { shards: shards ?? inherited.shards, items: inherited.items }
  return { mode, plan: definedOnly({ shards: own.shards, maxParallel, tolerate }), items: own.items, graph: null }
}

/** @throws CarillonError INVALID_REQUEST if the request has options of another mode */
function workflowOf(request: PlanRequest, graph: string): Planned {
  for (const field of ['mode', 'shards', 'items', 'maxParallel', 'tolerate'] as const)
    if (request[field] !== undefined) throw contradiction(field, request[field], 'A workflow has the tasks of its nodes: leave it out.')
  return { mode: 'workflow', plan: null, items: null, graph }
}

/** @throws CarillonError PAYLOAD_TOO_LARGE */
function graphText(workflow: Workflow): string {
  return writeJson(workflow, { field: 'workflow', maxBytes: LIMITS.workflowBytes, tooLarge: 'PAYLOAD_TOO_LARGE', notJson: 'INVALID_JSON' })
}

/** Runs of a handler that maps use its mode, unless another one is requested. */
export const modeOf = (mode: RunMode, kind: HandlerKind | undefined): RunMode => (mode === 'single' ? (kind ?? mode) : mode)

function shardsOf({ shards, items }: PlanRequest): { shards: number | undefined; items: string | null } {
  if (!items) return { shards, items: null }
  const limit = { maxBytes: LIMITS.payloadBytes, tooLarge: 'PAYLOAD_TOO_LARGE', notJson: 'INVALID_JSON' } as const
  const text = `[${items.map((item, i) => writeJson(item, { ...limit, field: `items.${i}` })).join(',')}]`
  const bytes = Buffer.byteLength(text)
  if (bytes > limit.maxBytes) {
    const message = `items has ${bytes} bytes as JSON, the limit is ${limit.maxBytes}`
    throw new CarillonError(limit.tooLarge, message, { field: 'items', value: `${bytes} bytes` })
  }
  return { shards: items.length, items: text }
}

/** How many tasks of so many may fail without failing their run. */
export function toleratedOf(tolerate: Tolerance | undefined, total: number): number {
  if (tolerate === undefined) return 0
  return typeof tolerate === 'number' ? tolerate : Math.floor((Number.parseFloat(tolerate) / 100) * total)
}

function definedOnly(plan: { readonly [Field in keyof Plan]: Plan[Field] | undefined }): Plan {
  return Object.fromEntries(Object.entries(plan).filter(([, value]) => value !== undefined))
}

function contradiction(field: string, value: unknown, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
}
