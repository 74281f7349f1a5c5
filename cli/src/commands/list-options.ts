import { LIMITS } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseWhole } from '../arguments/scalars.ts'

/** Which part of a list is requested. */
export interface ListOptions {
  readonly limit?: number
  readonly all?: true
}

/** Adds the options that every list with pages has. */
export function addListOptions(command: Command): Command {
  return command
    .option('--limit <n>', 'entries on the page', (text) => parseWhole('--limit', text, { min: 1, max: LIMITS.pageSize }))
    .option('--all', 'all pages')
}
