import { CarillonError, type Json, LIMITS, printable, type Tolerance } from '@carillon/contracts'
import type { Command } from 'commander'
import { readPayload } from '../arguments/payload.ts'
import { parseWhole } from '../arguments/scalars.ts'

/** Options that a run and a job share: runs with many tasks. */
export interface PlanOptions {
  readonly shards?: number
  readonly items?: string
  readonly maxParallel?: number
  readonly tolerate?: Tolerance
}

/** Adds the options of runs with many tasks. */
export function addPlanOptions(command: Command): Command {
  const count = (option: string) => (text: string) => parseWhole(option, text, { min: 1, max: LIMITS.shards })
  return command
    .option('--shards <n>', 'so many tasks, for whoever has room; each is told its index', count('--shards'))
    .option('--items <json>', 'a task for each entry of a JSON list, @file, or - for standard input')
    .option('--max-parallel <n>', 'tasks of a run that may be under way at once (default: all)', count('--max-parallel'))
    .option('--tolerate <n>', 'tasks that may fail without failing the run: a number, or a share such as 5%', parseTolerance)
}

/** Those options as the wire names them; what was not given is left out. @throws CarillonError of the items */
export async function planOf({ shards, items, maxParallel, tolerate }: PlanOptions) {
  return {
    ...(shards === undefined ? {} : { shards }),
    ...(items === undefined ? {} : { items: await readItems(items) }),
    ...(maxParallel === undefined ? {} : { maxParallel }),
    ...(tolerate === undefined ? {} : { tolerate }),
  }
}

async function readItems(given: string): Promise<Json[]> {
  const items = await readPayload(given)
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
