import type * as z from 'zod'

export type ServiceName = 'coordinator' | 'registry' | 'logger' | 'gateway'

/**
 * Whether a call may be sent again when its answer was lost, although it may have been executed: always; only if each of its runs
 * has an `id` or a `key`; or not.
 */
export type Repeatable = 'always' | 'with-identity' | 'never'

/** A request that is answered: `api.<noun>.<verb>`, served by one service's queue group. */
export interface Call<
  Input extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
  Service extends ServiceName = ServiceName,
> {
  readonly noun: string
  readonly verb: string
  readonly service: Service
  readonly description: string
  readonly input: Input
  /** Its type binds the service; answers are not validated at run time. */
  readonly answer: Answer
  readonly repeatable: Repeatable
  /** After this the caller gives up: CALL_TIMEOUT. */
  readonly deadlineMs: number
}

const DEADLINE_MS = 5_000

type About<Input extends z.ZodType, Answer extends z.ZodType> = Pick<
  Call<Input, Answer>,
  'input' | 'answer' | 'repeatable' | 'description'
> & {
  readonly deadlineMs?: number
}

/** A row of the table of calls. @param path `<noun>.<verb>` */
export function call<Input extends z.ZodType, Answer extends z.ZodType, Service extends ServiceName>(
  service: Service,
  path: `${string}.${string}`,
  about: About<Input, Answer>,
): Call<Input, Answer, Service> {
  const [noun = '', verb = ''] = path.split('.')
  return { noun, verb, service, deadlineMs: DEADLINE_MS, ...about }
}

/** Whether a request may be sent again when its answer was lost. */
export function isRepeatable({ repeatable }: Call, input: unknown): boolean {
  if (repeatable !== 'with-identity') return repeatable === 'always'
  const { runs = [input] } = input as { runs?: readonly unknown[] }
  return runs.every(hasIdentity)
}

const hasIdentity = (run: unknown) =>
  typeof run === 'object' && run !== null && (('id' in run && run.id !== undefined) || ('key' in run && run.key !== undefined))
