import { keyReason, recordField } from '@carillon/contracts'
import { defineHandler } from '@carillon/sdk'
import { z } from 'zod'

/** A letter that ends a text for the system: what follows it would not arrive. */
const withoutNul = z.string().refine((text) => !text.includes('\0'), 'contains the character NUL')
const isNameOrPath = (text: string) => text.startsWith('/') || !text.includes('/')

const commandInput = z.strictObject({
  /** A program of the list of the executor: its name, or its absolute path. */
  command: withoutNul.min(1).max(4_096).refine(isNameOrPath, 'must be a name without "/" or an absolute path'),
  /** As they are: no shell reads them. One of more than 128 KiB no Linux accepts. */
  args: z.array(withoutNul.max(32_768)).max(1_000).optional(),
  /** Folder to run in, absolute. Default: that of the executor. */
  cwd: withoutNul.max(4_096).startsWith('/').optional(),
  /** Variables of the environment, of the names that the executor allows. */
  env: recordField(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no name of a variable'), withoutNul.max(32_768), {
    error: keyReason,
  }).optional(),
  /** Text for its standard input. Default: none. */
  stdin: z.string().optional(),
  /** Exit codes that are a success. Default: 0. */
  successCodes: z.array(z.int().min(0).max(255)).min(1).max(256).optional(),
})

export type CommandPayload = z.infer<typeof commandInput>

/** Runs a program of the list of the executor, without a shell. Its exit code decides whether the task succeeds; what it prints are log lines. */
export const commandHandler = defineHandler({
  name: 'command',
  description: 'Runs {command} with {args}, without a shell',
  input: commandInput,
  output: z.object({
    code: z.int().nullable(),
    signal: z.string().nullable(),
    durationMs: z.number(),
    /** The last lines that it printed, oldest first. */
    lines: z.array(z.string()),
  }),
})
