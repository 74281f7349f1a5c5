import * as z from 'zod'
import { page } from './answers.ts'
import { nameField } from './fields.ts'
import { HANDLER_KINDS } from './plan.ts'

/** Which handlers are listed. */
export const listHandlersSchema = z.strictObject({
  /** Only this one: no item where no live instance offers it. */
  handler: nameField.optional(),
  ...page.shape,
})

/** A handler that live instances offer. */
export const handlerViewSchema = z.object({
  name: z.string(),
  description: z.string().exactOptional(),
  /** The default mode of its runs. */
  kind: z.enum(HANDLER_KINDS).exactOptional(),
  /** Live instances that offer it. */
  instances: z.int(),
  /** Their services. */
  services: z.array(z.string()).readonly(),
  /** The JSON Schemas of its payload, each once, with the services that declare it. More than one: a payload that one accepts, another may refuse. */
  schemas: z.array(z.object({ inputSchema: z.record(z.string(), z.unknown()), services: z.array(z.string()).readonly() })).readonly(),
})
export type HandlerView = Readonly<z.output<typeof handlerViewSchema>>
