import type { HttpNodeRequest } from '@carillon/contracts'
import type { BackoffInput, RunOptions } from './client/start-item.ts'
import type { AnyHandler } from './handler-definition.ts'
import type { Written } from './written.ts'

type OneOrMore<Name extends string> = Name | readonly Name[]

/** What every node may say. */
interface CommonNode<Known extends string> {
  readonly description?: string | undefined
  /** The node, or nodes, that it comes after. A decision leads to nodes by its branches, too. */
  readonly after?: OneOrMore<Known> | undefined
  /** It does nothing, and what follows goes on. */
  readonly disabled?: true | undefined
  /** When it has failed: `block` (default), and nothing that follows starts, or `skip`, and what follows goes on. */
  readonly onFailure?: 'block' | 'skip' | undefined
}

/** The rules of a task that a node may have of its own; what it leaves open comes from the workflow. */
export const NODE_RULES = [
  'attempts',
  'backoff',
  'nonRetryable',
  'timeoutMs',
  'priority',
  'labels',
  'where',
  'route',
  'instances',
  'hashKey',
] as const

/** Durations may be text. */
interface WrittenLimits {
  /** `timeoutMs` as text: `30s`. */
  readonly timeout?: string | undefined
  readonly backoff?: Written<BackoffInput> | undefined
}
interface NodeRules extends Omit<Pick<RunOptions, (typeof NODE_RULES)[number]>, 'backoff'>, WrittenLimits {}

/** What undoes a node when its run fails or is cancelled. Its payload: `{ node, outcome, payload, result }`. */
export interface NodeCompensation extends Pick<RunOptions, 'attempts' | 'nonRetryable' | 'timeoutMs'>, WrittenLimits {
  readonly handler: string | AnyHandler
  /** Also where it is unknown whether the node has done anything: it timed out, its instance was lost, or it was cancelled. */
  readonly unknown?: true | undefined
}

/** A task of a handler. */
export interface HandlerNode<Known extends string = string> extends CommonNode<Known>, NodeRules {
  /** By name, or by its definition: then the options of the definition are those of the node. */
  readonly handler: string | AnyHandler
  readonly foreach?: undefined
  readonly job?: undefined
  readonly decision?: undefined
  readonly wait?: undefined
  readonly publish?: undefined
  readonly http?: undefined
  /** The handler that undoes what the node has done, when its run fails or is cancelled. */
  readonly compensate?: string | AnyHandler | NodeCompensation | undefined
  /** CEL over `payload`, `context` and `nodes`: the payload of the task. Default: that of the run. */
  readonly payload?: string | undefined
}

/** A task of a handler for each item of a list: the node has how many have succeeded and failed, `{ total, succeeded, failed }`. */
export interface ForeachNode<Known extends string = string>
  extends CommonNode<Known>,
    NodeRules,
    Pick<RunOptions, 'tolerate' | 'maxParallel'> {
  /** CEL over `payload`, `context` and `nodes`: a list of 100,000 items at most. */
  readonly foreach: string
  /** By name, or by its definition: then the options of the definition are those of the tasks. */
  readonly handler: string | AnyHandler
  /** The handler that undoes what the node has done, when its run fails or is cancelled. */
  readonly compensate?: string | AnyHandler | NodeCompensation | undefined
  readonly job?: undefined
  readonly decision?: undefined
  readonly wait?: undefined
  readonly publish?: undefined
  readonly http?: undefined
  /** CEL: the payload of each task, which has its item as `ctx.shard.item`. Default: the item. */
  readonly payload?: string | undefined
  /** After a failure that is not tolerated no further task begins; with `maxParallel`. */
  readonly failFast?: true | undefined
}

/** The definition of another workflow. */
interface NamedWorkflow {
  readonly name: string
  readonly job: { readonly workflow?: unknown }
}

/** A run of a job, which may be a workflow, or of a handler: the node ends as that does, and has its result. */
export interface JobNode<Known extends string = string> extends CommonNode<Known> {
  /** By name, or a workflow by its definition. */
  readonly job: string | NamedWorkflow
  readonly handler?: undefined
  readonly foreach?: undefined
  readonly decision?: undefined
  readonly wait?: undefined
  readonly publish?: undefined
  readonly http?: undefined
  /** The handler that undoes what the run has done, when the run of the workflow fails or is cancelled. */
  readonly compensate?: string | AnyHandler | NodeCompensation | undefined
  /** CEL over `payload`, `context` and `nodes`: the payload of the run. Default: that of the workflow's run. */
  readonly payload?: string | undefined
}

/** One way out of a decision. */
export type Branch<To extends string> = { readonly when: string; readonly to: OneOrMore<To> } | { readonly otherwise: OneOrMore<To> }

/** The first branch whose condition (CEL over `payload`, `context` and `nodes`) is true is taken, `otherwise` if none is. */
export interface DecisionNode<Known extends string = string, To extends string = string> extends CommonNode<Known> {
  readonly decision: readonly Branch<To>[]
  readonly handler?: undefined
  readonly foreach?: undefined
  readonly job?: undefined
  readonly wait?: undefined
  readonly publish?: undefined
  readonly http?: undefined
}

/**
 * It ends after a time, at a point in time, with a signal to the run (`run.signal`; its result is the payload), or when someone has approved it, and holds no process. It fails when its
 * time limit is over, and when it is rejected.
 */
export interface WaitNode<Known extends string = string> extends CommonNode<Known> {
  /** Durations may be text: `300ms`, `1h30m`, `2d`. */
  readonly wait:
    | { readonly durationMs: number }
    | { readonly duration: string }
    | { readonly until: string }
    | ({ readonly signal: string } & WaitLimit)
    /** `by`: roles of those who may decide, through a gateway alone; default: anyone. */
    | { readonly approval: { readonly by?: readonly string[] | undefined } & WaitLimit }
  readonly handler?: undefined
  readonly foreach?: undefined
  readonly job?: undefined
  readonly publish?: undefined
  readonly http?: undefined
  readonly decision?: undefined
}

/** A message on a NATS subject: the node ends when the broker has it. */
export interface PublishNode<Known extends string = string> extends CommonNode<Known> {
  /** `body`: CEL over `payload`, `context` and `nodes`, the message as JSON. Default: the payload of the run. */
  readonly publish: { readonly subject: string; readonly body?: string | undefined }
  readonly http?: undefined
  readonly handler?: undefined
  readonly foreach?: undefined
  readonly job?: undefined
  readonly decision?: undefined
  readonly wait?: undefined
}

/** An HTTP request, which an executor of the built-in handler `http` sends (`carillon executor --http`). The result of the node is an `HttpResponse`. */
export interface HttpNode<Known extends string = string> extends CommonNode<Known>, NodeRules {
  readonly http: HttpNodeRequest
  readonly handler?: undefined
  readonly foreach?: undefined
  readonly job?: undefined
  readonly decision?: undefined
  readonly wait?: undefined
  readonly publish?: undefined
  /** The handler that undoes what the request has done, when its run fails or is cancelled. */
  readonly compensate?: string | AnyHandler | NodeCompensation | undefined
}

interface WaitLimit {
  readonly timeoutMs?: number | undefined
  /** `timeoutMs` as text. */
  readonly timeout?: string | undefined
}

/** What a node may be. */
export type NodeSettings<Known extends string = string, To extends string = string> =
  | HandlerNode<Known>
  | ForeachNode<Known>
  | JobNode<Known>
  | DecisionNode<Known, To>
  | WaitNode<Known>
  | PublishNode<Known>
  | HttpNode<Known>
