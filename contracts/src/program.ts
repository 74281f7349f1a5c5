import * as z from 'zod'
import { nameField, runIdField, timeField } from './fields.ts'
import { NAME } from './names.ts'

/** What follows the handler in the id of a program that says nothing about itself. */
const UNDECLARED = 'undeclared'
const FINGERPRINT = 'sha256-'
const FINGERPRINT_LETTERS = 16
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/
const PROGRAM = new RegExp(`${NAME.source.slice(0, -1)}@${VERSION.source.slice(1)}`)

/** The id of a program that goes on with runs in durable steps: handler, `@`, and its version, the fingerprint of its steps, or `undeclared`. */
export const programField = z.string().regex(PROGRAM, 'Use the id of a program, such as order@v1: `carillon versions list` shows them.')

/** One step of a list of steps. */
export interface DeclaredStep {
  readonly name: string
  readonly kind: string
}

/** Whether a text may be the version of a program: a name with dots, which no program has that gives none. */
export const isProgramVersion = (text: unknown): text is string =>
  typeof text === 'string' && VERSION.test(text) && text !== UNDECLARED && !text.startsWith(FINGERPRINT)

/** The format of a version, in words. */
export const PROGRAM_VERSION_RULE = `Use 1 to 64 letters, digits, ".", "_", "+" or "-"; not "${UNDECLARED}", and nothing that begins with "${FINGERPRINT}".`

/** The program of a handler that says nothing about its steps: it has no protection against changes. */
export const undeclaredProgram = (handler: string) => `${handler}@${UNDECLARED}`
export const isUndeclared = (program: string) => program.endsWith(`@${UNDECLARED}`)
export const versionedProgram = (handler: string, version: string) => `${handler}@${version}`
/** @param digest the SHA-256, in hexadecimal, of the JSON text of `[name, kind]` of each step, in order */
export const declaredProgram = (handler: string, digest: string) => `${handler}@${FINGERPRINT}${digest.slice(0, FINGERPRINT_LETTERS)}`
/** The handler of a program. */
export const handlerOfProgram = (program: string) => program.slice(0, program.indexOf('@'))

/** What an instance says of a handler. */
interface Offer {
  readonly name: string
  readonly program?: string | undefined
  readonly accepts?: readonly string[] | undefined
}

export const programOfOffer = ({ name, program }: Offer) => program ?? undeclaredProgram(name)
/** Whether an offer of the handler goes on with runs of a program. */
export const takesProgram = (offer: Offer, program: string) =>
  programOfOffer(offer) === program || offer.accepts?.includes(program) === true

export const moveRunSchema = z.strictObject({
  runId: runIdField,
  /** A program that a live instance has. Not needed with `dryRun`. */
  to: programField.optional(),
  /** Only answers where it could go. */
  dryRun: z.boolean().default(false),
})

/** A program that goes on with runs of the same handler, and whether it can go on with one of them. */
const moveChoiceSchema = z.object({
  program: z.string(),
  /** Live instances that have it. */
  instances: z.int(),
  /** `yes`: its list of steps begins with those that are stored, or it accepts the program of the run; `unknown`: it declares no list, so only a replay tells. */
  fits: z.enum(['yes', 'no', 'unknown']),
  /** Of `no`: the first step that differs. */
  why: z.string().exactOptional(),
})
export type MoveChoice = Readonly<z.output<typeof moveChoiceSchema>>

export const runMovedSchema = z.object({
  runId: z.string(),
  /** The one that it is bound to now. */
  program: z.string().exactOptional(),
  moved: z.boolean(),
  choices: z.array(moveChoiceSchema).readonly(),
})
export type RunMoved = Readonly<z.output<typeof runMovedSchema>>

export const listProgramsSchema = z.strictObject({ handler: nameField.optional() })

/** A program that live instances have or open runs are bound to. */
export const programViewSchema = z.object({
  program: z.string(),
  handler: z.string(),
  /** Live instances that have it. */
  instances: z.array(z.string()).readonly(),
  /** Live instances of other programs that accept it. */
  accepting: z.array(z.string()).readonly(),
  /** Open runs, and tasks of fan-out runs, that are bound to it. When there are none, its last instance may be stopped. */
  open: z.int(),
  /** How many of these are queued for an instance that has it. */
  waiting: z.int(),
  /** Since when the first of them waits. */
  since: timeField.exactOptional(),
})
export type ProgramView = Readonly<z.output<typeof programViewSchema>>
