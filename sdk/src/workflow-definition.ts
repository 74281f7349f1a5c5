import {
  CarillonError,
  checkName,
  inMilliseconds,
  JOB_DURATIONS,
  type JobInput,
  NODE_DURATIONS,
  printable,
  workflowProblems,
} from '@carillon/contracts'
import { checkObject } from './check-object.ts'
import { withoutUndefined } from './client/start-item.ts'
import { checkSchema, type SchemaInput, type StandardSchema } from './executor/standard-schema.ts'
import { type AnyHandler, isDefinition } from './handler-definition.ts'
import { NODE_RULES, type NodeSettings } from './workflow-nodes.ts'
import type { Written } from './written.ts'

type Schema = StandardSchema | undefined
/** What its runs are given. */
export type PayloadBy<Input extends Schema> = Input extends StandardSchema ? SchemaInput<Input> : unknown

/** What a workflow has no use for: its nodes are its tasks. */
type OfOtherJobs = 'name' | 'handler' | 'workflow' | 'payload' | 'mode' | 'shards' | 'items' | 'maxParallel' | 'tolerate'

/** Options whose durations may be text. */
type Timed = 'schedule' | 'backoff' | 'failureBackoff' | 'rate' | 'debounce' | 'throttle' | 'batch'
type WrittenOptions = { readonly [Option in Timed]?: Written<JobInput[Option]> | undefined }

/** The options of a workflow: those of a job, such as `schedule`, which also hold for nodes that leave them open, and its own. */
export interface WorkflowSettings<Input extends Schema> extends Omit<JobInput, OfOtherJobs | Timed>, WrittenOptions {
  /** What a payload must be: any schema that follows Standard Schema. It types the payload, and nothing checks it at run time. */
  readonly input?: Input | undefined
  /** The payload of runs that are given none. */
  readonly payload?: PayloadBy<Input> | undefined
  /** After a failure nothing new starts. Default: what does not follow from the failed node goes on. */
  readonly failFast?: true | undefined
  /** CEL over `payload`, `context` and `nodes`: the result of the run. Default: how many tasks are in each state. */
  readonly output?: string | undefined
  /** `timeoutMs`, and so are the following, as text: `30s`, `2d`. */
  readonly timeout?: string | undefined
  readonly runTimeout?: string | undefined
  readonly deadline?: string | undefined
  readonly misfireAfter?: string | undefined
}

/** A workflow that is complete, and can be put. */
export interface WorkflowDefinition<Input extends Schema = Schema> {
  readonly name: string
  readonly input: Input
  /** As it is put: a job with the member `workflow`. */
  readonly job: JobInput
}
export type AnyWorkflow = WorkflowDefinition<Schema>

/** What `done` says of branches that lead to no node, as a type whose text names them. */
export type Finished<Known extends string, To extends string> = string extends To
  ? unknown
  : [Exclude<To, Known>] extends [never]
    ? unknown
    : { readonly 'a branch leads to a node that is not there': Exclude<To, Known> }

interface Draft {
  readonly name: string
  readonly input: Schema
  readonly job: Omit<JobInput, 'name' | 'workflow'>
  readonly workflow: { readonly failFast?: true | undefined; readonly output?: string | undefined }
}

/**
 * A workflow under construction: each call makes a new one.
 * `Known` are the nodes so far, `To` the nodes that branches lead to; both are `string` where a program gives the names.
 */
export class WorkflowBuilder<Input extends Schema, Known extends string = string, To extends string = string> {
  readonly #draft: Draft
  readonly #nodes: readonly object[]

  /** @internal */
  constructor(draft: Draft, nodes: readonly object[] = []) {
    this.#draft = draft
    this.#nodes = nodes
  }

  /** The name of the workflow. */
  get name(): string {
    return this.#draft.name
  }

  /**
   * Add a node behind nodes that are there; a branch of a decision may lead to one that follows.
   * @throws CarillonError INVALID_NAME, INVALID_REQUEST: names the field
   */
  node<const Id extends string, const Next extends string = never>(
    id: Id,
    settings: NodeSettings<Known, Next>,
  ): WorkflowBuilder<Input, Known | Id, To | Next> {
    return new WorkflowBuilder(this.#draft, [...this.#nodes, nodeOf(id, settings)])
  }

  /**
   * Add any number of nodes that a program makes: from here on names are checked by `done`, and not by the compiler. A loop begins with `nodes([])`.
   * @throws CarillonError as `node`
   */
  nodes(list: readonly (NodeSettings & { readonly id: string })[]): WorkflowBuilder<Input, string, string> {
    if (!Array.isArray(list)) throw wrong('nodes', list, 'Pass a list of nodes.')
    return new WorkflowBuilder(this.#draft, [...this.#nodes, ...list.map(({ id, ...settings }) => nodeOf(id, settings))])
  }

  /**
   * The workflow, complete. The compiler refuses it while a branch leads to a node that is not there.
   * @throws CarillonError INVALID_WORKFLOW with all that is wrong: names of no node, circles, decisions without a default, too many nodes
   */
  done(this: Finished<Known, To> & WorkflowBuilder<Input, Known, To>): WorkflowDefinition<Input> {
    const { name, input, job, workflow } = this.#draft
    const graph = { ...workflow, nodes: this.#nodes } as JobInput['workflow']
    refuse(workflowProblems(graph))
    return Object.freeze({ name, input: input as Input, job: { ...job, name, workflow: graph } })
  }
}

function refuse([first, ...more]: ReturnType<typeof workflowProblems>): void {
  if (!first) return
  const { field, value, hint } = first
  const others = more.length > 0 ? ` and ${more.length} more` : ''
  throw new CarillonError('INVALID_WORKFLOW', `${field} is wrong: ${first.problem}${others}`, {
    field,
    value,
    hint,
    problems: [first, ...more],
  })
}

/**
 * Begin a workflow: a job whose runs go through a graph of nodes.
 *
 * ```ts
 * const order = workflow('order', { input: z.object({ total: z.number() }) })
 *   .node('reserve', { handler: 'reserve-stock' })
 *   .node('check', { decision: [{ when: 'payload.total > 1000', to: 'cool' }, { otherwise: 'charge' }], after: 'reserve' })
 *   .node('cool', { wait: { duration: '1d' } })
 *   .node('charge', { handler: 'charge-card', after: ['check', 'cool'], attempts: 5 })
 *   .done()
 * ```
 * @throws CarillonError INVALID_NAME, INVALID_REQUEST: names the field
 */
export function workflow<Input extends Schema = undefined>(
  name: string,
  settings: WorkflowSettings<Input> = {},
): WorkflowBuilder<Input, never, never> {
  const { input, failFast, output, ...job } = checkObject('settings', settings)
  checkSchema('input', input)
  return new WorkflowBuilder({
    name: checkName('workflow', name),
    input,
    job: withoutUndefined(inMilliseconds(job, JOB_DURATIONS)) as Draft['job'],
    workflow: withoutUndefined({ failFast, output }) as Draft['workflow'],
  })
}

/** Whether a caller named a workflow by its definition. */
export const isWorkflow = (named: unknown): named is AnyWorkflow => typeof named === 'object' && named !== null && 'job' in named

function nodeOf(id: string, settings: NodeSettings): object {
  const given = inMilliseconds(checkObject(`node ${printable(id)}`, settings), NODE_DURATIONS, `nodes.${id}`)
  const { handler, job } = given
  const undo = compensationOf(given)
  if (isWorkflow(job)) return withoutUndefined({ id, ...given, ...undo, job: job.name })
  if (!isDefinition(handler)) return withoutUndefined({ id, ...given, ...undo })
  return withoutUndefined({ id, ...rulesOf(handler, id), ...withoutUndefined(given), ...undo, handler: handler.name })
}

/** A handler that is given by its definition is named in what is stored. */
function compensationOf({ compensate }: Readonly<Record<string, unknown>>): object {
  if (isDefinition(compensate)) return { compensate: compensate.name }
  if (typeof compensate !== 'object' || compensate === null) return {}
  const { handler } = compensate as { handler?: unknown }
  return { compensate: withoutUndefined({ ...compensate, handler: isDefinition(handler) ? handler.name : handler }) }
}

/** What a definition says of its tasks. @throws CarillonError INVALID_REQUEST of a handler whose runs have many tasks */
function rulesOf({ name, mode, defaults }: AnyHandler, id: string): object {
  if (mode !== 'single') throw wrong(`nodes.${id}.handler`, name, 'A node has one task: use a handler whose runs have one.')
  return Object.fromEntries(NODE_RULES.flatMap((rule) => (defaults[rule] === undefined ? [] : [[rule, defaults[rule]]])))
}

function wrong(field: string, value: unknown, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
}
