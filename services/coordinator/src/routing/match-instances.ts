import type { Routing, RunHead } from '@carillon/store'
import type { Expressions, Matching, Presence } from '../ports.ts'
import type { BoundLife } from '../program-ports.ts'
import type { InstanceLoads } from './instance-loads.ts'
import { type Candidate, matches, whyNoneMatches } from './rules/match.ts'

type Run = Pick<RunHead, 'namespace' | 'handler' | 'routing'>

/** A new task, which has stored no step. */
const UNBOUND: BoundLife = { program: null, refusedBy: null }
const NO_ROUTING: Routing = {}

/** Which live instances may have the tasks of a run. */
export class MatchInstances implements Matching {
  readonly #presence: Presence
  readonly #loads: InstanceLoads
  readonly #expressions: Expressions

  constructor(options: { presence: Presence; loads: InstanceLoads; expressions: Expressions }) {
    this.#presence = options.presence
    this.#loads = options.loads
    this.#expressions = options.expressions
  }

  /** By name. */
  candidates(run: Run, life: BoundLife = UNBOUND): Candidate[] {
    const routing = run.routing ?? NO_ROUTING
    const where = this.#where(run)
    return this.#offering(run, life).filter((candidate) => matches(candidate, { routing, life }, where))
  }

  /** Whether an instance whose load has changed still matches. */
  isMatch(run: Run, candidate: Candidate): boolean {
    return run.routing === null || matches(candidate, { routing: run.routing, life: UNBOUND }, this.#where(run))
  }

  names(run: Run): string[] {
    if (run.routing === null) return this.#presence.offering(run.namespace, run.handler).map(({ instance }) => instance)
    return this.candidates(run).map(({ instance }) => instance)
  }

  whyNone(run: Run): string | undefined {
    const offering = this.#offering(run)
    if (offering.length === 0 || run.routing === null) return undefined
    const why = whyNoneMatches(offering, { routing: run.routing, life: UNBOUND }, this.#where(run))
    return why === undefined
      ? this.#whyNoneIsIdle(run)
      : `none of ${offering.length} instances that offer \`${run.handler}\` matches: ${why}`
  }

  #whyNoneIsIdle(run: Run): string | undefined {
    if (run.routing?.route !== 'idle') return undefined
    const candidates = this.candidates(run)
    return candidates.every(({ load }) => (load.running ?? 0) > 0) ? `none of ${candidates.length} instances that match is idle` : undefined
  }

  #where({ routing }: Run) {
    return routing?.where === undefined ? undefined : this.#expressions.where.get(routing.where)
  }

  /** All that offer the handler. What they say of it is looked up for a task that has stored a step, or was given back. */
  #offering({ namespace, handler }: Run, life: BoundLife = UNBOUND): Candidate[] {
    const isBound = life.program !== null || life.refusedBy !== null
    const any = { name: handler }
    return this.#presence.holding(namespace, handler).map(({ instance, labels, capacity, session, handlers }) => ({
      instance,
      session: session ?? instance,
      handler: (isBound && handlers.find(({ name }) => name === handler)) || any,
      labels,
      load: this.#loads.loadOf(namespace, { instance, capacity, handler }),
      isHung: this.#presence.isHung(namespace, instance),
      isCordoned: this.#presence.isCordoned(namespace, instance),
    }))
  }
}
