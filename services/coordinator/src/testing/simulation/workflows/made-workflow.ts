import type { Workflow } from '@carillon/contracts'
import type { Condition, Judged } from './conditions.ts'

/** How the attempts of a node end. */
export interface Course {
  /** It succeeds from this attempt on; undefined: never. */
  readonly succeedsAt: number | undefined
  /** It succeeds at once when it is begun for the second time, or later. */
  readonly recovers: boolean
  /** How an attempt ends that does not succeed. */
  readonly failure: 'failed' | 'timed_out'
  /** From this attempt on it must not be tried again. */
  readonly givesUpAt: number | undefined
  readonly result: { readonly n: number; readonly by: string }
  readonly addition: Readonly<Record<string, unknown>>
}

export interface RandomWorkflow {
  readonly workflow: Workflow
  readonly payload: { readonly n: number }
  readonly courses: ReadonlyMap<string, Course>
  readonly conditions: ReadonlyMap<string, Condition>
  readonly values: ReadonlyMap<string, Judged<unknown>>
  /** Attempts of nodes that say nothing. */
  readonly tries: number
  /** Of nodes that can be undone: from which attempt on that succeeds. */
  readonly undos: ReadonlyMap<string, number>
  /** Nodes that wait for child runs. */
  readonly children: ReadonlyMap<string, Child>
}

/** A node that waits for a child run, and how that ends. */
export type Child =
  /** A run of a job that is a handler: it ends as the course of the node says. */
  | { readonly kind: 'single'; readonly handler: string; readonly job: string; readonly attempts: number }
  /** A task for each item, of which these fail. */
  | { readonly kind: 'list'; readonly handler: string; readonly total: number; readonly bad: ReadonlySet<number> }
  | { readonly kind: 'workflow'; readonly job: string; readonly made: RandomWorkflow }

/** A workflow, and all that are within it. */
export function* allOf(made: RandomWorkflow): Generator<RandomWorkflow> {
  yield made
  for (const child of made.children.values()) if (child.kind === 'workflow') yield* allOf(child.made)
}

/** Handlers that only child runs have. */
export const handlersOf = (made: RandomWorkflow): string[] =>
  [...allOf(made)].flatMap(({ children }) => [...children.values()].flatMap((child) => (child.kind === 'workflow' ? [] : [child.handler])))
