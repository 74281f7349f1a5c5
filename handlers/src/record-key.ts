import type { z } from 'zod'

/** For `z.record`: a key that is refused is refused for its own reason, not as an "invalid key". */
export const keyReason = (issue: z.core.$ZodRawIssue): string | undefined =>
  issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message).join(', ') : undefined
