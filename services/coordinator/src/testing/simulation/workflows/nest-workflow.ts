import { parseInput, type Workflow, workflowSchema } from '@carillon/contracts'
import type { Random } from '../random.ts'
import type { Judged } from './conditions.ts'
import type { Child, Course, RandomWorkflow } from './made-workflow.ts'

interface Draft {
  readonly id: string
  readonly fields: Record<string, unknown>
}

interface Nesting {
  /** Makes the names of jobs and handlers unique: others may share the store. */
  readonly name: string
  readonly tries: number
  readonly courses: Map<string, Course>
  readonly values: Map<string, Judged<unknown>>
  /** Undefined: it is nested as deep as it may be. */
  readonly within: ((prefix: string) => RandomWorkflow) | undefined
}

/** Some of the nodes that are handlers become child runs instead. */
export function nest(random: Random, drafts: readonly Draft[], given: Nesting): Map<string, Child> {
  const children = new Map<string, Child>()
  for (const draft of drafts) {
    const course = given.courses.get(draft.id)
    if (!course || random.chance(0.6)) continue
    const kind =
      random.pick(given.within ? (['single', 'list', 'workflow', 'workflow'] as const) : (['single', 'list'] as const)) ?? 'single'
    const child = kind === 'list' ? listOf(random, draft, given) : kind === 'single' ? singleOf(draft, given) : workflowOf(draft, given)
    children.set(draft.id, child)
    // Any end of a child run but success is a failure of its node, and what it has added is within it.
    const ends = child.kind === 'list' ? { succeedsAt: child.bad.size > 0 ? undefined : 1, givesUpAt: undefined } : {}
    const addition = child.kind === 'workflow' ? course.addition : {}
    given.courses.set(draft.id, { ...course, ...ends, addition, recovers: false, failure: 'failed' })
  }
  return children
}

function singleOf({ id, fields }: Draft, { name, tries }: Nesting): Child {
  const attempts = (fields['attempts'] as number | undefined) ?? tries
  const job = `${name}-${id}`
  for (const field of ['handler', 'attempts', 'backoff']) delete fields[field]
  fields['job'] = job
  return { kind: 'single', handler: `h-${job}`, job, attempts }
}

function listOf(random: Random, { id, fields }: Draft, { name }: Nesting): Child {
  const total = random.below(6)
  const bad = new Set(Array.from({ length: total }, (_, item) => item).filter(() => random.chance(0.06)))
  const handler = `h-${name}-${id}`
  delete fields['payload']
  fields['handler'] = handler
  fields['foreach'] = `[${Array.from({ length: total }, (_, item) => item).join(', ')}]`
  if (random.chance(0.6)) fields['maxParallel'] = 1 + random.below(3)
  return { kind: 'list', handler, total, bad }
}

function workflowOf({ id, fields }: Draft, { name, within, courses }: Nesting): Child {
  const { n, by } = (courses.get(id) as Course).result
  const made = within?.(`${id}x`) as RandomWorkflow
  const job = `${name}-${id}`
  // Its conditions read the payload of the run.
  for (const field of ['handler', 'attempts', 'backoff', 'payload']) delete fields[field]
  fields['job'] = job
  const workflow: Workflow = parseInput(workflowSchema, { ...made.workflow, output: `{'n': ${n}, 'by': '${by}'}` })
  return { kind: 'workflow', job, made: { ...made, workflow } }
}
