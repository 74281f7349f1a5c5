import * as z from 'zod'
import { LIMITS } from './limits.ts'

/** A page of a list; `next` is the cursor of the following page. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next?: string
}

/** Which page of a list is requested. */
export const page = z.strictObject({ cursor: z.string().max(200).optional(), limit: z.int().min(1).max(LIMITS.pageSize).default(100) })

export function pageOf<Item extends z.ZodType>(item: Item): z.ZodType<Page<z.output<Item>>> {
  return z.object({ items: z.array(item), next: z.string().exactOptional() })
}

export const healthSchema = z.object({
  service: z.string(),
  /** Of the process, as in the services protocol of NATS. */
  id: z.string(),
  version: z.string(),
  uptimeMs: z.number(),
  /** The health of each part: a message that says what is wrong, or that the part is well. */
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), message: z.string() })).readonly(),
  /** Of a coordinator: how many live, and how many died within the last hour without being replaced. */
  coordinators: z.object({ live: z.int(), missing: z.int() }).readonly().exactOptional(),
})
export type ServiceHealth = Readonly<z.output<typeof healthSchema>>

/** The answer of a call that is refused. */
export const refusalSchema = z.object({
  error: z.object({
    /** One of the catalogue. */
    code: z.string(),
    message: z.string(),
    /** Whether the same request may succeed later without a change. */
    retry: z.boolean(),
    /** The offending field, as a path such as `schedule.cron`. */
    field: z.string().optional(),
    /** The offending value, shortened. */
    value: z.string().optional(),
    /** What would be right. */
    hint: z.string().optional(),
    /** All that is wrong, where that may be more than one thing. */
    problems: z
      .array(z.object({ field: z.string(), value: z.string(), problem: z.string(), hint: z.string() }))
      .readonly()
      .optional(),
  }),
})
/** An error as it travels. */
export type ErrorBody = Readonly<z.output<typeof refusalSchema>['error']>
