import type { Random } from '../random.ts'

/** What an expression of a node reads, by the rules. */
export interface View {
  readonly payload: Readonly<Record<string, unknown>>
  readonly context: Readonly<Record<string, unknown>>
  readonly nodes: Readonly<Record<string, { readonly state: string; readonly result: unknown }>>
}

/** An expression and what it results in, by an evaluation that knows nothing of CEL. Undefined: it fails. */
export interface Judged<Value> {
  readonly text: string
  of(view: View): Value | undefined
}
export type Condition = Judged<boolean>

const never = { text: 'false', of: () => false } as const
const always = { text: 'true', of: () => true } as const

/** A condition over the payload, and over results, states and context of these nodes. */
export function randomCondition(random: Random, { ancestors, keys }: { ancestors: readonly string[]; keys: readonly string[] }): Condition {
  const [node, key, limit] = [random.pick(ancestors), random.pick(keys) ?? 'a', random.below(9)]
  const ofPayload: readonly Condition[] = [
    { text: `payload.n > ${limit}`, of: ({ payload }) => (payload['n'] as number) > limit },
    { text: 'payload.missing > 1', of: () => undefined },
    {
      text: `has(context.${key}) && context.${key} != '${node ?? 'x'}'`,
      of: ({ context }) => key in context && context[key] !== (node ?? 'x'),
    },
    never,
    always,
  ]
  if (node === undefined) return random.pick(ofPayload) ?? always
  const resultAbove = (view: View) => aboveLimit(view.nodes[node]?.result, limit)
  const ofNodes: readonly Condition[] = [
    { text: `nodes.${node}.result.n > ${limit}`, of: resultAbove },
    { text: `nodes.${node}.state == 'succeeded'`, of: (view) => view.nodes[node]?.state === 'succeeded' },
    { text: `nodes.${node}.state == 'failed'`, of: (view) => view.nodes[node]?.state === 'failed' },
    {
      text: `payload.n < ${limit} || nodes.${node}.result.n > ${limit}`,
      of: (view) => either((view.payload['n'] as number) < limit, resultAbove(view)),
    },
    { text: `context.${key} == '${node}'`, of: ({ context }) => (key in context ? context[key] === node : undefined) },
  ]
  return random.pick(random.chance(0.65) ? ofNodes : ofPayload) ?? always
}

/** A payload of a node's own. */
export function randomValue(random: Random, ancestors: readonly string[]): Judged<unknown> {
  const node = random.pick(ancestors)
  const own = { text: "{'m': payload.n}", of: ({ payload }: View) => ({ m: payload['n'] }) }
  if (node === undefined || random.chance(0.4)) return own
  return {
    text: `{'was': nodes.${node}.state, 'n': nodes.${node}.result.n}`,
    of: ({ nodes }) => {
      const { state, result } = nodes[node] ?? {}
      return isNumbered(result) ? { was: state, n: result.n } : undefined
    },
  }
}

const isNumbered = (result: unknown): result is { n: number } => typeof result === 'object' && result !== null && 'n' in result
const aboveLimit = (result: unknown, limit: number) => (isNumbered(result) ? result.n > limit : undefined)
/** True if one is, whatever becomes of the other. */
const either = (one: boolean | undefined, other: boolean | undefined) =>
  one === true || other === true ? true : one === undefined || other === undefined ? undefined : false
