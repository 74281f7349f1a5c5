import { LIMITS, nameField, ROLES, type Role } from '@carillon/contracts'
import * as z from 'zod'

/** No rules of composition: length is what counts. */
const PASSWORD = { least: 12, most: 200 } as const

/** As people write it; compared without case, composed, without spaces around it. */
const accountName = z
  .string()
  .trim()
  .min(1)
  .max(LIMITS.byLength)
  // Also letters that fonts draw as nothing, such as the fillers of Hangul and empty Braille: two names must not look the same by them.
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}\u2800]+$/u, 'Use letters, digits, spaces and signs, none that cannot be seen.')
const newPassword = z
  .string()
  .min(PASSWORD.least, `Use at least ${PASSWORD.least} characters.`)
  .max(PASSWORD.most, `Use at most ${PASSWORD.most} characters.`)
/** A longer one is nobody's. */
const anyPassword = z.string().min(1).max(PASSWORD.most)

export const signInSchema = z.strictObject({ name: z.string().min(1).max(LIMITS.byLength), password: anyPassword })
export const useLinkSchema = z.strictObject({ secret: z.string().min(1).max(100), name: accountName.optional(), password: newPassword })
export const changePasswordSchema = z.strictObject({ old: anyPassword, new: newPassword })
export const rightsSchema = z.strictObject({ role: z.enum(ROLES), payloads: z.boolean().default(true) })
/** A member has the roles of gateways by the role alone: an operator who decides as an admin would be one. */
const approvalRole = nameField.refine((name) => !ROLES.includes(name as Role), {
  error: `Use a name of your own: ${ROLES.join(', ')} follow from the role.`,
})
export const membershipSchema = rightsSchema.extend({ approves: z.array(approvalRole).max(LIMITS.memberApprovals).default([]) })
export const newTokenSchema = z.strictObject({
  name: accountName,
  role: z.enum(ROLES),
  payloads: z.boolean().default(false),
  expiresInDays: z.number().min(0.001).max(3650).optional(),
})
export const pageSchema = z.strictObject({
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(LIMITS.pageSize).default(100),
})
/** The page to show after the sign-in. */
export const beginOidcSchema = z.strictObject({ return: z.string().optional() })
