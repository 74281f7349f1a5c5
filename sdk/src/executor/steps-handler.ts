import { CarillonError, checkName, type DeclaredStep, printable } from '@carillon/contracts'
import type { JsonResult } from '../json.ts'
import type { OfferedHandler } from './handler.ts'
import type { StepOptions } from './steps.ts'
import type { TaskContext } from './task-context.ts'

/** The argument of a step of a list. */
export interface StepContext<Payload> extends TaskContext<Payload> {
  /** What the steps before it have returned, by their names. */
  readonly done: Readonly<Record<string, unknown>>
}

type CheckedResult<Result> = (Result & JsonResult<Result>) | PromiseLike<Result & JsonResult<Result>>

/** One step of a list. What it returns is stored, JSON up to 256 KiB, before the next one begins. */
export interface StepDefinition<Payload, Result = unknown> extends StepOptions {
  readonly name: string
  run(context: StepContext<Payload>): CheckedResult<Result>
}

/** Steps, by what they return. */
export type StepList<Payload, Results extends readonly unknown[]> = {
  readonly [Place in keyof Results]: StepDefinition<Payload, Results[Place]>
}

/** What a list of steps declares. */
export const declaredSteps = (steps: readonly StepDefinition<never>[]): DeclaredStep[] => steps.map(({ name }) => ({ name, kind: 'step' }))

/** A handler that runs a list of steps; the result of the last one is that of the run. @throws CarillonError INVALID_NAME, INVALID_REQUEST */
export function runOfSteps(steps: readonly StepDefinition<never>[]): OfferedHandler['run'] {
  const names = new Set<string>()
  if (!Array.isArray(steps) || steps.length === 0) throw wrong('steps', steps, 'Give at least one step.')
  for (const step of steps) {
    if (typeof step !== 'object' || step === null) throw wrong('step', step, 'Pass an object with name and run.')
    const { name, run } = step
    checkName('step', name)
    if (names.has(name) || name === 'sleep') throw wrong('step', name, 'Give each step a name of its own; "sleep" is taken.')
    if (typeof run !== 'function') throw wrong(name, run, 'Pass a function.')
    names.add(name)
  }
  return async (context) => {
    const done: Record<string, unknown> = {}
    const given = Object.assign(context, { done }) satisfies StepContext<never>
    let last: unknown
    for (const step of steps) {
      const { name, run: _run, ...options } = step
      last = done[name] = await context.step(name, () => step.run(given), options)
    }
    return last
  }
}

function wrong(field: string, value: unknown, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
}
