import type { Command } from 'commander'
import { parseWhole } from '../arguments/scalars.ts'

export interface RevisionOption {
  readonly ifRevision?: number
}

/** `--if-revision`: what someone else has changed since it was read is not overwritten. */
export function addRevisionOption(command: Command): Command {
  const text = 'only if this is its revision, else PRECONDITION_FAILED; 0: only if there is none'
  return command.option('--if-revision <number>', text, (given) =>
    parseWhole('--if-revision', given, { min: 0, max: Number.MAX_SAFE_INTEGER }),
  )
}

/** The field of the call. */
export const revisionOf = ({ ifRevision }: RevisionOption): RevisionOption => (ifRevision === undefined ? {} : { ifRevision })
