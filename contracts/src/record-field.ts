import * as z from 'zod'

const PROTO = '__proto__'
const PROTO_HINT = 'Use another name: this one is that of an internal member of objects.'

/**
 * A record whose names are names: of labels, headers, variables. `z.record` leaves out a member with the name `__proto__` without saying so; here it is
 * refused. Where any JSON is kept, see `objectField`.
 */
export function recordField<Value extends z.ZodType>(
  name: z.ZodType<string, string>,
  value: Value,
  params?: Parameters<typeof z.record>[2],
): z.ZodType<Record<string, z.output<Value>>, Record<string, z.input<Value>>> {
  const refuseProto = (input: unknown, context: z.RefinementCtx) => {
    if (typeof input === 'object' && input !== null && Object.hasOwn(input, PROTO))
      context.addIssue({ code: 'custom', message: PROTO_HINT, path: [PROTO], input })
    return input
  }
  return z.preprocess(refuseProto, z.record(name, value, params)) as unknown as ReturnType<typeof recordField<Value>>
}

/** The option `error` of such a record: a name that is refused is refused for its own reason, not as an "invalid key". */
export const keyReason = (issue: z.core.$ZodRawIssue): string | undefined =>
  issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message).join(', ') : undefined
