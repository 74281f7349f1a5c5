import * as z from 'zod'
import { codedField, durationField, instantField, nameField } from './fields.ts'
import { countText } from './hints.ts'
import { HTTP_HANDLER, HTTP_TIMEOUT_MAX_MS, httpNodeRequestSchema } from './http-request.ts'
import { LIMITS } from './limits.ts'
import { NODE_KINDS } from './node-kind.ts'
import { toleranceField } from './plan.ts'
import { policyFields } from './policy.ts'

const NAMES_HINT = 'Name a node, or a list of nodes.'
const namesField = z.union([nameField, z.array(nameField).min(1, NAMES_HINT).max(LIMITS.workflowNodes)], { error: NAMES_HINT })
/** CEL over `payload`, `context` and `nodes`. */
const expressionField = z.string().min(1, 'Write an expression, or leave it out.').max(LIMITS.decisionLength)

const commonFields = {
  id: nameField,
  description: z.string().max(1_000).exactOptional(),
  /** Nodes that it comes after. A decision leads to nodes by its branches, too. */
  after: namesField.exactOptional(),
  /** It does nothing, and what follows goes on. */
  disabled: z.literal(true).exactOptional(),
  /** When it has failed: `block` (default), and nothing that follows starts, or `skip`, and what follows goes on. */
  onFailure: z.enum(['block', 'skip']).exactOptional(),
}
const { attempts, backoff, nonRetryable, timeoutMs, priority, labels, where, route, instances, hashKey } = policyFields

/** The handler that undoes what a node has done, when its run fails or is cancelled. What it leaves open comes from the job. */
const compensationSchema = z.strictObject({
  handler: nameField,
  /** Also where it is unknown whether the node has done anything: it timed out, its instance was lost, or it was cancelled. */
  unknown: z.literal(true).exactOptional(),
  ...{ attempts, backoff, nonRetryable, timeoutMs },
})
export type Compensation = z.output<typeof compensationSchema>
const compensateField = z.union([nameField, compensationSchema], { error: 'Name a handler, or give { handler, unknown, attempts … }.' })

/** A task of a handler. What it leaves open of the rules of a task comes from the job. */
const handlerNodeSchema = z.strictObject({
  ...commonFields,
  handler: nameField,
  compensate: compensateField.exactOptional(),
  /** The payload of the task. Default: that of the run. */
  payload: expressionField.exactOptional(),
  ...{ attempts, backoff, nonRetryable, timeoutMs, priority, labels, where, route, instances, hashKey },
})

/** A child run: of a job, which may be a workflow, or of a handler. The node ends as that run does, and has its result. */
const jobNodeSchema = z.strictObject({
  ...commonFields,
  job: nameField,
  compensate: compensateField.exactOptional(),
  /** The payload of the run. Default: that of the workflow's run. */
  payload: expressionField.exactOptional(),
})

/** A child run with a task of a handler for each item of a list: the node has how many have succeeded and failed. */
const foreachNodeSchema = z.strictObject({
  ...commonFields,
  /** The list, of 100,000 items at most. */
  foreach: expressionField,
  handler: nameField,
  compensate: compensateField.exactOptional(),
  /** The payload of each task, beside its item. Default: the item. */
  payload: expressionField.exactOptional(),
  /** Tasks that may be under way at once; all by default. */
  maxParallel: z.int().min(1).max(LIMITS.foreachItems).exactOptional(),
  /** Failed tasks that do not fail the node: a number, or a share such as `5%`; none by default. */
  tolerate: toleranceField.exactOptional(),
  /** After a failure that is not tolerated no further task begins. Default: all others run. */
  failFast: z.literal(true).exactOptional(),
  ...{ attempts, backoff, nonRetryable, timeoutMs, priority, labels, where, route, instances, hashKey },
})

const branchSchema = z.union([z.strictObject({ when: expressionField, to: namesField }), z.strictObject({ otherwise: namesField })], {
  error: 'Give { when, to }, or { otherwise }.',
})
/** The first branch whose condition is true is taken; `otherwise` if none is. */
const decisionNodeSchema = z.strictObject({ ...commonFields, decision: z.array(branchSchema).min(1).max(LIMITS.workflowBranches) })

const limitField = durationField.exactOptional()
const approvalSchema = z.strictObject({
  /**
   * Roles of those who may decide, any of them: a role of gateways, which higher ones include, or one of approvals, which an admin gives to members. Then it is
   * decided through a gateway alone. Default: anyone who may send signals.
   */
  by: z.array(nameField).min(1).max(LIMITS.approvalRoles).exactOptional(),
  timeoutMs: limitField,
})
/**
 * It ends after a time, at a point in time, with a signal to the run, or when someone has approved it, and holds no process. It fails when a time limit is over, and when
 * it is rejected.
 */
const waitNodeSchema = z.strictObject({
  ...commonFields,
  wait: z.union(
    [
      z.strictObject({ durationMs: durationField }),
      z.strictObject({ until: instantField }),
      z.strictObject({ signal: nameField, timeoutMs: limitField }),
      z.strictObject({ approval: approvalSchema }),
    ],
    { error: 'Give durationMs, until, signal or approval.' },
  ),
})

const SUBJECT = /^[^\s.*>$_][^\s.*>]*(\.[^\s.*>]+)*$/
/** A message on a NATS subject. The node ends when the stream of the subject has stored it; where there is none, when the broker has it. */
const publishNodeSchema = z.strictObject({
  ...commonFields,
  publish: z.strictObject({
    subject: z
      .string()
      .max(LIMITS.subjectLength)
      .regex(SUBJECT, 'Use a subject without wildcards, such as orders.shipped; those that begin with $ or _ are of the broker.'),
    /** The message, as JSON. Default: the payload of the run. */
    body: expressionField.exactOptional(),
  }),
})

/** A time limit of an HTTP request. */
const requestLimitField = codedField<number>({
  code: 'INVALID_DELAY',
  hint: 'Use whole milliseconds from 1 to 3,600,000: a request takes an hour at most.',
  accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= HTTP_TIMEOUT_MAX_MS,
  json: { type: 'integer', minimum: 1, maximum: HTTP_TIMEOUT_MAX_MS },
})
/** An HTTP request: a task of the built-in handler `http`, whose result it has. */
const httpNodeSchema = z.strictObject({
  ...commonFields,
  http: httpNodeRequestSchema,
  compensate: compensateField.exactOptional(),
  ...{ attempts, backoff, nonRetryable, priority, labels, where, route, instances, hashKey },
  /** Time limit of each attempt in ms, up to an hour. Default: that of the job, else 30 s. */
  timeoutMs: requestLimitField.exactOptional(),
})

const nodeSchema = z.union(
  [foreachNodeSchema, handlerNodeSchema, jobNodeSchema, decisionNodeSchema, waitNodeSchema, publishNodeSchema, httpNodeSchema],
  { error: `Give an object with an id and one of ${NODE_KINDS.join(', ')}.` },
)
export type WorkflowNode = z.output<typeof nodeSchema>
/** What a node waits for. */
export type NodeWait = Extract<WorkflowNode, { wait: unknown }>['wait']

const COUNT_HINT = `Give 1 to ${countText(LIMITS.workflowNodes)} nodes.`
/** A directed acyclic graph: what a run of a workflow does, and in which order. */
export const workflowSchema = z.strictObject({
  /** After a failure nothing new starts. Default: what does not follow from the failed node goes on. */
  failFast: z.literal(true).exactOptional(),
  /** The result of the run. Default: how many tasks are in each state. */
  output: expressionField.exactOptional(),
  nodes: z.array(nodeSchema).min(1, COUNT_HINT).max(LIMITS.workflowNodes, COUNT_HINT),
})
export type Workflow = z.output<typeof workflowSchema>
/** A workflow in answers, which services check when it is put. Its schema is that of jobs.put: repeated in each answer it would fill the message in which a service describes its calls. */
export const workflowField = z.unknown().meta({ type: 'object', description: 'As in jobs.put.' }) as unknown as z.ZodType<
  Workflow,
  Workflow
>

/** The handler of its tasks; undefined: it has none of its own. */
export function handlerOf(node: WorkflowNode): string | undefined {
  if ('http' in node) return HTTP_HANDLER
  return 'handler' in node ? node.handler : undefined
}

/** What undoes a node; undefined: nothing does. */
export function compensationOf(node: WorkflowNode): Compensation | undefined {
  const compensate = 'compensate' in node ? node.compensate : undefined
  return typeof compensate === 'string' ? { handler: compensate } : compensate
}
