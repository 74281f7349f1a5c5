import * as z from 'zod'
import { timeField } from './fields.ts'

/** A one-time link by which someone becomes an admin. */
export const adminLinkSchema = z.object({
  /** Its secret is in the fragment, which browsers send nowhere. */
  url: z.string(),
  expiresAt: timeField,
})
export type AdminLink = z.output<typeof adminLinkSchema>
