import { CarillonError, checkName, type HandlerKind, OWN_TASK_NAMES, printable } from '@carillon/contracts'
import type { CheckedInput } from '../handler-definition.ts'
import { type HandlerOptions, type OfferedHandler, offeredHandler } from './handler.ts'
import { NonRetryableError } from './handler-errors.ts'
import { checkedBy, type SchemaInput, type SchemaOutput, type StandardSchema } from './standard-schema.ts'
import type { MapContext, ReduceContext, RunningContext, TaskContext } from './task-context.ts'

/** Schemas of items, by the name of their tasks. */
export type ItemSchemas = Readonly<Record<string, StandardSchema>>
/** What is mapped, and what arrives. */
type Mapped<Schemas extends ItemSchemas> = { readonly [Name in keyof Schemas]: SchemaInput<Schemas[Name]> }
type CheckedItems<Schemas extends ItemSchemas> = { readonly [Name in keyof Schemas]?: CheckedInput<Schemas[Name]> }

/** A run whose tasks make tasks. What a task returns is its result: JSON up to 256 KiB. */
export interface MapDefinition<Input extends StandardSchema, Schemas extends ItemSchemas> {
  /** Checks and types the payload. */
  readonly input?: Input | undefined
  /** Check and type the items, by the name of their tasks. An item that fails ends its task `failed`, reason `invalid-payload`. */
  readonly items?: (Schemas & CheckedItems<Schemas>) | undefined
  /** The first task: maps what is to be done. May be run again after a crash, and should then map the same. */
  root(context: MapContext<SchemaOutput<Input>, Mapped<Schemas>>): unknown
  /** What is done with an item, by the name it was mapped under; may map further. */
  readonly tasks: {
    readonly [Name in keyof Schemas]: (context: MapContext<SchemaOutput<Input>, Mapped<Schemas>, SchemaOutput<Schemas[Name]>>) => unknown
  }
}

/** A run whose tasks make tasks, and whose results are brought together. */
export interface MapReduceDefinition<Input extends StandardSchema, Schemas extends ItemSchemas, Result = unknown>
  extends MapDefinition<Input, Schemas> {
  /** Brings the results of leaves together: tasks that did not map. One task, or as many as the run has `shards`. */
  reduce(context: ReduceContext<SchemaOutput<Input>>): Result | PromiseLike<Result>
  /** Brings the results of several reduce tasks together; needed with `shards` above 1. */
  merge?(context: ReduceContext<SchemaOutput<Input>>): Result | PromiseLike<Result>
}

type AnyDefinition = MapDefinition<StandardSchema, ItemSchemas> &
  Partial<Pick<MapReduceDefinition<StandardSchema, ItemSchemas>, 'reduce' | 'merge'>>
/** @internal */
type Run = (context: RunningContext) => unknown

/** @internal @throws CarillonError INVALID_NAME, INVALID_REQUEST */
export function offeredMapHandler(
  name: string,
  definition: AnyDefinition,
  options: { kind: HandlerKind } & Omit<HandlerOptions, 'input'>,
): OfferedHandler {
  const { kind, ...more } = options
  if (typeof definition !== 'object' || definition === null) throw wrong('definition', definition, 'Pass an object with root and tasks.')
  const { root, tasks, reduce, merge, items } = definition
  if (typeof tasks !== 'object' || tasks === null) throw wrong('tasks', tasks, 'Pass an object of functions, by the name of their tasks.')
  const parts: Readonly<Record<string, unknown>> = {
    ...tasks,
    root,
    ...(kind === 'map-reduce' ? { reduce, ...(merge ? { merge } : {}) } : {}),
  }
  for (const part of Object.keys(tasks)) checkTaskName(part)
  for (const [part, run] of Object.entries(parts)) if (typeof run !== 'function') throw wrong(part, run, 'Pass a function.')
  for (const [part, schema] of Object.entries(items ?? {})) checkSchema(part, schema, tasks)
  const run = (context: TaskContext<never>) => {
    const running = context as unknown as RunningContext
    const { task } = running
    if (task === undefined) throw new NonRetryableError(`The run does not map; handler ${name} needs mode "${kind}"`)
    const part = Object.hasOwn(parts, task) ? (parts[task] as Run) : undefined
    if (part === undefined) throw new NonRetryableError(`Handler ${name} has no function for tasks named ${printable(task)}`)
    const schema = items && Object.hasOwn(items, task) ? items[task] : undefined
    if (schema === undefined) return part(running)
    return checkedBy(schema, running.item, (item) => {
      running.item = item
      return part(running)
    })
  }
  return { ...offeredHandler(name, run, { ...more, input: definition.input }), kind }
}

function checkSchema(name: string, schema: StandardSchema, tasks: AnyDefinition['tasks']): void {
  const field = `items.${name}`
  if (!Object.hasOwn(tasks, name))
    throw wrong(field, name, `There is no function for tasks of this name: ${Object.keys(tasks).join(', ')}.`)
  if (typeof schema?.['~standard']?.validate !== 'function')
    throw wrong(field, schema, 'Pass a schema that follows Standard Schema, such as one of zod.')
}

function checkTaskName(name: string): void {
  checkName('task', name)
  if ((OWN_TASK_NAMES as readonly string[]).includes(name)) throw wrong('task', name, `Use a name other than ${OWN_TASK_NAMES.join(', ')}.`)
}

function wrong(field: string, value: unknown, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
}
