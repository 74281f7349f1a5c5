import { CarillonError, type Json, LIMITS, NAMED_MODES, type NamedMode, printable, type Tolerance } from '@carillon/contracts'
import type { Command } from 'commander'
import { readPayload } from '../arguments/payload.ts'
import { parseChoice, parseWhole } from '../arguments/scalars.ts'

/** Options that a run and a job share: fan-out runs. */
export interface PlanOptions {
  readonly mode?: NamedMode
  readonly broadcast?: true
  readonly shards?: number
  readonly items?: string
  readonly maxParallel?: number
  readonly tolerate?: Tolerance
}

/** Adds the options of fan-out runs. */
export function addPlanOptions(command: Command): Command {
  const count = (option: string) => (text: string) => parseWhole(option, text, { min: 1, max: LIMITS.shards })
  return command
    .option('--mode <mode>', `${NAMED_MODES.join(', ')} (default: what the handler announces, else single)`, (text) =>
      parseChoice('--mode', text, NAMED_MODES),
    )
    .option('--broadcast', 'one task on every live instance that offers the handler: the same as --mode broadcast')
    .option(
      '--shards <n>',
      'so many tasks, for any instance with room; each knows its index. Of a map-reduce: reduce tasks',
      count('--shards'),
    )
    .option('--items <json>', 'a task for each entry of a JSON list, @file, or - for standard input')
    .option('--max-parallel <n>', 'tasks of a run that may be under way at once (default: all)', count('--max-parallel'))
    .option('--tolerate <n>', 'tasks that may fail without failing the run: a number, or a share such as 5%', parseTolerance)
}

/** Those options by their names on the wire; options that are not given are left out. @throws CarillonError of the items, and of conflicting options */
export async function planOf(options: PlanOptions) {
  const { shards, items, maxParallel, tolerate } = options
  const mode = modeOf(options)
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(shards === undefined ? {} : { shards }),
    ...(items === undefined ? {} : { items: await readItems(items) }),
    ...(maxParallel === undefined ? {} : { maxParallel }),
    ...(tolerate === undefined ? {} : { tolerate }),
  }
}

/** Checked here, because the service does not know the names of the options. */
function modeOf({ mode, broadcast, shards, items }: PlanOptions): PlanOptions['mode'] {
  if (broadcast && mode !== undefined && mode !== 'broadcast') throw exclude('--broadcast', `--mode ${mode}`, 'Give one of them.')
  if (shards !== undefined && items !== undefined) throw exclude('--shards', '--items', 'There is a shard for each item: give one of them.')
  const asked = broadcast ? 'broadcast' : mode
  if (asked === undefined) return undefined
  const [text, hint] = [broadcast ? '--broadcast' : `--mode ${asked}`, 'Shards and items are a mode of their own: give one of them.']
  if (items !== undefined) throw exclude(text, '--items', hint)
  if (shards !== undefined && asked !== 'map-reduce') throw exclude(text, '--shards', hint)
  return asked
}

function exclude(one: string, other: string, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${one} and ${other} exclude each other`, { field: one.split(' ')[0] ?? one, hint })
}

async function readItems(given: string): Promise<Json[]> {
  const items = await readPayload(given, { field: '--items' })
  if (Array.isArray(items)) return items
  const value = printable(items)
  throw new CarillonError('INVALID_REQUEST', `--items is wrong: ${value}`, {
    field: '--items',
    value,
    hint: 'Give a JSON list, such as ["a","b"].',
  })
}

function parseTolerance(text: string): Tolerance {
  if (/^\d+(\.\d+)?%$/.test(text)) return text as Tolerance
  return parseWhole('--tolerate', text, { min: 0, max: LIMITS.shards })
}
